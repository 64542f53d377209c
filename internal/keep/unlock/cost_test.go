package unlock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"fob/internal/cred"
)

const testIdentity = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ"

const (
	goodSalt = "AAAAAAAAAAAAAAAAAAAAAA"
	goodBody = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func slotText(stanza string) string {
	return "age-encryption.org/v1\n" + stanza + "\n" + goodBody + "\n--- " + goodBody + "\n0123456789"
}

func TestHeaderCost(t *testing.T) {
	t.Parallel()
	const tooCostly = "asks for a work factor that is not a number from 10 to 20"
	type row struct {
		name, text string
		want       int
		err        string
	}
	table := []row{
		{name: "empty", text: "", err: "is empty"},
		{name: "junk", text: "junk.junk.junk", err: "is not an age file, or damaged at its beginning"},
		{name: "version", text: strings.Replace(slotText("-> scrypt "+goodSalt+" 17"), "v1", "v2", 1), err: "is not an age file, or damaged at its beginning"},
		{name: "Windows line ends", text: strings.ReplaceAll(slotText("-> scrypt "+goodSalt+" 17"), "\n", "\r\n"), err: "is not an age file, or damaged at its beginning"},
		{name: "cut", text: "age-encryption.org/v1\n-> scrypt " + goodSalt + " 17\n", err: "is cut off in its header"},
		{name: "other recipient", text: slotText("-> X25519 " + goodSalt), err: "is not sealed with a passphrase, or damaged"},
		{name: "more arguments", text: slotText("-> scrypt " + goodSalt + " 17 1"), err: "is not sealed with a passphrase, or damaged"},
		{name: "two spaces", text: slotText("-> scrypt  " + goodSalt + " 17"), err: "is not sealed with a passphrase, or damaged"},
		{name: "salt", text: slotText("-> scrypt AAAA 17"), err: "is damaged: its salt or its wrapped key is malformed"},
		{name: "salt with loose bits", text: slotText("-> scrypt AAAAAAAAAAAAAAAAAAAAAB 17"), err: "is damaged: its salt or its wrapped key is malformed"},
		{name: "two recipients", text: slotText("-> scrypt " + goodSalt + " 17\n" + goodBody + "\n-> scrypt " + goodSalt + " 17"), err: "is damaged: its header does not end after one recipient"},
		{name: "no MAC", text: strings.Replace(slotText("-> scrypt "+goodSalt+" 17"), "--- A", "--- ", 1), err: "is damaged: its header does not end after one recipient"},
	}
	for n := minCost; n <= maxCost; n++ {
		table = append(table, row{name: fmt.Sprint(n), text: slotText(fmt.Sprintf("-> scrypt %s %d", goodSalt, n)), want: n})
	}
	bad := []string{"-1", "-17", "017", "0017", "+17", "0x11", "1e1", "17.0", "", "9223372036854775807", "9223372036854775808", "18446744073709551633", strings.Repeat("9", 4000)}
	for n := 0; n < minCost; n++ {
		bad = append(bad, fmt.Sprint(n))
	}
	for n := maxCost + 1; n <= 63; n++ {
		bad = append(bad, fmt.Sprint(n))
	}
	for _, n := range bad {
		table = append(table, row{name: "factor " + n[:min(len(n), 24)], text: slotText("-> scrypt " + goodSalt + " " + n), err: tooCostly})
	}
	for _, tc := range table {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := headerCost([]byte(tc.text))
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != tc.want || text != tc.err {
				t.Errorf("got %d, %q, want %d, %q", got, text, tc.want, tc.err)
			}
		})
	}
}

// Somebody who can write the slot asks for 2^22 rounds, which would take 4 GiB
// and end every program on the machine. The number must be refused before
// anything is allocated and anybody is asked. Not parallel: it measures.
func TestHostileCostIsCheap(t *testing.T) {
	dir := t.TempDir()
	asked := 0
	u := Passphrase().Open(Env{Dir: dir, Ask: func(context.Context, Question) (cred.Secret, error) {
		asked++
		return cred.NewSecret("CANARY"), nil
	}})
	for _, n := range []string{"21", "22", "30", "63", "017", "-17", "9223372036854775808"} {
		if err := os.WriteFile(filepath.Join(dir, "passphrase.age"), []byte(slotText("-> scrypt "+goodSalt+" "+n)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err := u.Load(t.Context())
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if slot := (*SlotError)(nil); !errors.As(err, &slot) {
			t.Errorf("%s: Load = %v, want *SlotError", n, err)
		}
		if took > 50*time.Millisecond || after.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Errorf("%s: refused after %v and %d bytes", n, took, after.TotalAlloc-before.TotalAlloc)
		}
	}
	if asked > 0 {
		t.Errorf("asked %d times", asked)
	}
}

func TestCostOfNewSlots(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		env  Env
		want int
		err  string
	}{
		{name: "usual", env: Env{}, want: 17},
		{name: "least", env: Env{WorkFactor: 16}, want: 16},
		{name: "most", env: Env{WorkFactor: 20}, want: 20},
		{name: "too cheap", env: Env{WorkFactor: 15}, err: "the work factor 15 is not from 16 to 20"},
		{name: "fixture's, but no fixture", env: Env{WorkFactor: CheapWorkFactor}, err: "the work factor 10 is not from 16 to 20"},
		{name: "too costly", env: Env{WorkFactor: 21}, err: "the work factor 21 is not from 16 to 20"},
		{name: "negative", env: Env{WorkFactor: -1}, err: "the work factor -1 is not from 16 to 20"},
		{name: "fixture", env: Env{Cheap: true}, want: 10},
		{name: "fixture, chosen", env: Env{Cheap: true, WorkFactor: 12}, want: 12},
		{name: "below every slot", env: Env{Cheap: true, WorkFactor: 9}, err: "the work factor 9 is not from 10 to 20"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.env.cost()
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != tc.want || text != tc.err {
				t.Errorf("got %d, %q, want %d, %q", got, text, tc.want, tc.err)
			}
		})
	}
}

// The one test that pays what people pay. A clock that stands still makes 17
// look fast, so that the slot gets 18; a wrong passphrase must cost an attacker
// the time and memory that the header promises.
func TestRealCost(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "slots")
	answer := "CANARY horse"
	env := Env{Dir: dir, Now: func() time.Time { return time.Time{} }, Ask: func(context.Context, Question) (cred.Secret, error) {
		return cred.NewSecret(answer), nil
	}}
	u := Passphrase().Open(env)
	if err := u.Save(t.Context(), cred.NewSecret(testIdentity)); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "passphrase.age"))
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := headerCost(file); cost != 18 || err != nil {
		t.Errorf("the slot costs 2^%d (%v), want 2^18", cost, err)
	}
	answer = "CANARY other"
	began := time.Now()
	_, err = u.Load(t.Context())
	if wrong := (*WrongError)(nil); !errors.As(err, &wrong) {
		t.Errorf("Load = %v, want *WrongError", err)
	}
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("a wrong passphrase was refused after %v", took)
	}
}

// Every single bit of a slot, flipped: an error, never another identity. One of
// them makes a cost of 18 out of 10, and is as slow as that.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	s := newSlot(Env{Dir: t.TempDir(), Cheap: true}, wording{name: "passphrase", noun: "passphrase"})
	file, err := sealAt(cred.NewSecret(testIdentity), "CANARY", CheapWorkFactor)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(file) * 8 {
		changed := bytes.Clone(file)
		changed[i/8] ^= 1 << (i % 8)
		if _, err := headerCost(changed); err != nil {
			continue
		}
		got, err := s.open(changed, "CANARY")
		if err == nil || !got.IsZero() {
			t.Fatalf("bit %d flipped: it opened (%v)", i, err)
		}
	}
}

// What is in a slot and no identity is refused, whoever knows the passphrase.
func TestForeignContent(t *testing.T) {
	t.Parallel()
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "CANARY", testIdentity + "\n" + testIdentity, "age1" + strings.Repeat("q", 58), hybrid.String()} {
		s := newSlot(Env{Dir: t.TempDir()}, wording{name: "passphrase", noun: "passphrase"})
		file, err := sealAt(cred.NewSecret(text), "CANARY", CheapWorkFactor)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.open(file, "CANARY")
		if slot := (*SlotError)(nil); !errors.As(err, &slot) || slot.Why != "holds no vault identity" {
			t.Errorf("open = %v, want *SlotError", err)
		}
	}
}
