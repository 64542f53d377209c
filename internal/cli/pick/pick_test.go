package pick

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"fob/internal/cred"
)

const uri = "otpauth://totp/AWS:jane@acme.com@123456789012?secret=CANARYA2B3C4D5E6F7A2B3C4D5E6F7A2B3C4D5E6F7A2B3C4D5E6F7A2B3C4D5E67&issuer=AWS"

func TestQRCodeFitsInEightyColumns(t *testing.T) {
	t.Parallel()
	rows, err := QRCode(cred.NewSecret(uri))
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		switch n := utf8.RuneCountInString(row); {
		case n != utf8.RuneCountInString(rows[0]), n > 79:
			t.Errorf("row %d has %d columns, the first one %d", i, n, utf8.RuneCountInString(rows[0]))
		case (i < quiet/2 || i >= len(rows)-quiet/2) && strings.TrimLeft(row, " ") != "":
			t.Errorf("row %d of the border is not light: %q", i, row)
		case !strings.HasPrefix(row, strings.Repeat(" ", quiet)) || !strings.HasSuffix(row, strings.Repeat(" ", quiet)):
			t.Errorf("row %d has no light border: %q", i, row)
		}
	}
}

func TestQRCodeOfTooMuch(t *testing.T) {
	t.Parallel()
	_, err := QRCode(cred.NewSecret(strings.Repeat("CANARY", 1000)))
	if err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %v", err)
	}
}

// What is on the screen is read by a program that is not ours, as a camera would:
// black on white, each character as it is drawn.
func TestQRCodeIsRead(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Skip("zbarimg is missing")
	}
	for _, text := range []string{uri, strings.Replace(uri, "jane@acme.com", strings.Repeat("n", 64), 1)} {
		rows, err := QRCode(cred.NewSecret(text))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "screen.png")
		photograph(t, file, rows)
		out, err := exec.Command("zbarimg", "-q", "--raw", file).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != text {
			t.Errorf("read %q, %v; want %q", got, err, text)
		}
	}
}

// photograph draws characters of 8 by 16 points.
func photograph(t *testing.T, file string, rows []string) {
	t.Helper()
	const w, h = 8, 16
	img := image.NewGray(image.Rect(0, 0, w*utf8.RuneCountInString(rows[0]), h*len(rows)))
	for y, row := range rows {
		for x, char := range []rune(row) {
			for dy := range h {
				dark := char == '█' || char == '▀' && dy < h/2 || char == '▄' && dy >= h/2
				for dx := range w {
					img.SetGray(x*w+dx, y*h+dy, color.Gray{Y: map[bool]uint8{true: 0, false: 255}[dark]})
				}
			}
		}
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}
