package unlock

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CheapWorkFactor is what slots of fixtures cost: 1 MiB and about 2 ms.
const CheapWorkFactor = 10

// The cost of scrypt is 2^n rounds of 1 KiB each, so 17 takes 128 MiB and
// about 0.65 s on a laptop of 2024. What is read may cost from 10 to 20: below
// is no slot of fob's, above takes more than 1 GiB.
const (
	minCost     = 10
	leastCost   = 16
	usualCost   = 17
	maxCost     = 20
	fastMachine = 400 * time.Millisecond
)

func (e Env) time() time.Time {
	if e.Now == nil {
		return time.Time{}
	}
	return e.Now()
}

// cost is what the first try to seal a slot takes.
func (e Env) cost() (int, error) {
	least, usual := leastCost, usualCost
	if e.Cheap {
		least, usual = CheapWorkFactor, CheapWorkFactor
	}
	switch {
	case e.WorkFactor == 0:
		return usual, nil
	case e.WorkFactor < least || e.WorkFactor > maxCost:
		return 0, fmt.Errorf("the work factor %d is not from %d to %d", e.WorkFactor, least, maxCost)
	}
	return e.WorkFactor, nil
}

// headerCost reads the cost out of the header of an age file that has exactly
// one scrypt recipient (https://age-encryption.org/v1, 2022-05). It is done
// here, ahead of age, so that a hostile number is refused before anything is
// allocated and before anybody types a passphrase. The error reads on after
// the path and quotes nothing of the file.
func headerCost(file []byte) (int, error) {
	if len(file) == 0 {
		return 0, errors.New("is empty")
	}
	lines := strings.SplitN(string(file), "\n", 5)
	if lines[0] != "age-encryption.org/v1" {
		return 0, errors.New("is not an age file, or damaged at its beginning")
	}
	if len(lines) < 5 {
		return 0, errors.New("is cut off in its header")
	}
	stanza := strings.Split(lines[1], " ")
	if len(stanza) != 4 || stanza[0] != "->" || stanza[1] != "scrypt" {
		return 0, errors.New("is not sealed with a passphrase, or damaged")
	}
	if !isBase64(stanza[2], 16) || !isBase64(lines[2], 32) {
		return 0, errors.New("is damaged: its salt or its wrapped key is malformed")
	}
	mac, ok := strings.CutPrefix(lines[3], "--- ")
	if !ok || !isBase64(mac, 32) {
		return 0, errors.New("is damaged: its header does not end after one recipient")
	}
	cost, err := strconv.Atoi(stanza[3])
	if err != nil || strconv.Itoa(cost) != stanza[3] || cost < minCost || cost > maxCost {
		return 0, fmt.Errorf("asks for a work factor that is not a number from %d to %d", minCost, maxCost)
	}
	return cost, nil
}

func isBase64(text string, size int) bool {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == size && !strings.ContainsAny(text, "\r\n")
}

// enoughMemory compares what deriving the key takes with what there is.
func enoughMemory(cost int) error {
	const rest = 8 << 20 // the program itself
	need := int64(1)<<(cost+10) + rest
	limit := leastLimit()
	if limit > 0 && need > limit {
		return &MemoryError{Need: need, Limit: limit}
	}
	return nil
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("not enough memory: deriving the key takes %d MiB, and this process may take %d MiB", e.Need>>20, e.Limit>>20)
}
