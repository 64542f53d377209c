// Package pick draws what a person at a terminal needs besides lines of text: a
// QR code. It knows neither the terminal nor what the text means.
package pick

import (
	"errors"
	"strings"

	"fob/internal/cred"

	"rsc.io/qr"
)

// quiet is the light border that the standard wants, in modules.
const quiet = 4

// QRCode draws a text as a QR code for black on white: each character is two
// modules, one above the other. The rows have equal width.
func QRCode(text cred.Secret) ([]string, error) {
	code, err := qr.Encode(text.Reveal(), qr.L)
	if err != nil {
		return nil, errors.New("the text is too long for a QR code")
	}
	var rows []string
	for y := -quiet; y < code.Size+quiet; y += 2 {
		var row strings.Builder
		for x := -quiet; x < code.Size+quiet; x++ {
			row.WriteString(halves(code.Black(x, y), code.Black(x, y+1)))
		}
		rows = append(rows, row.String())
	}
	return rows, nil
}

func halves(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}
