package devices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/mfa"
)

const (
	// questions bounds how often a person is asked for one pair of codes.
	questions = 10
	// pairs bounds how many pairs are sent.
	pairs = 3
	// reach is how many steps AWS's clock and a device's may be apart.
	reach = 2
)

// first is the code that the second one must follow.
type first struct {
	code string
	step int64 // where the seed is known
	at   time.Time
}

// send asks for two codes that follow each other and sends them, again while AWS
// does not take them. The seed, where it is known, tells beforehand.
func (w *Work) send(ctx context.Context, serial string, seed cred.Secret, call func(IAM, awsapi.CodePair) error) error {
	for try := 1; ; try++ {
		a, b, err := w.pair(ctx, serial, seed)
		if err != nil {
			return err
		}
		err = w.call(ctx, func(i IAM) error {
			return call(i, awsapi.CodePair{User: w.Owner.Name, Serial: serial, First: a, Second: b})
		})
		if !refusedBy(err, "InvalidAuthenticationCode") || try == pairs {
			return err
		}
		w.TTY.Say("fob: AWS did not take these codes: one was mistyped or used before, or the clock of the device is wrong. Begin with the next one")
	}
}

// pair asks for two codes until they follow each other and are not used up.
func (w *Work) pair(ctx context.Context, serial string, seed cred.Secret) (a, b string, err error) {
	var have first
	for range questions {
		number := 1
		if have.code != "" {
			number = 2
		}
		answer, err := w.TTY.ReadHidden(ctx, fmt.Sprintf("MFA code %d of 2 for %s: ", number, serial))
		if err != nil {
			return "", "", err
		}
		code, err := mfa.CheckCode(answer.Reveal())
		if err != nil {
			w.TTY.Say("fob: " + err.Error())
			continue
		}
		last := have
		next, problem := w.follows(have, code, seed)
		if have = next; problem != "" {
			w.TTY.Say("fob: " + problem)
			continue
		}
		if last.code == "" {
			w.TTY.Say("The next code comes in " + w.left() + ".")
			continue
		}
		used, err := w.spend(ctx, last.code, code)
		if err != nil || !used {
			return last.code, code, err
		}
		have = first{}
		w.TTY.Say("fob: one of these codes was used already, and AWS takes each once. Begin with the next one, which comes in " + w.left())
	}
	return "", "", &fault.Error{What: "cannot get two codes of " + serial, Why: errors.New("what was typed were not two codes that follow each other"), Next: []string{"run the command again, and wait for the device to show the second code"}, Code: fault.Attend}
}

// spend records two codes as sent, and says whether one of them was before.
func (w *Work) spend(ctx context.Context, codes ...string) (used bool, err error) {
	for _, code := range codes {
		was, err := w.Spend(ctx, code)
		if err != nil {
			return false, err
		}
		used = used || was
	}
	return used, nil
}

// follows says what is wrong with a code as the first one, or as the one after
// have; next is what the code after that must follow.
func (w *Work) follows(have first, code string, seed cred.Secret) (next first, problem string) {
	got := first{code: code, at: w.Now()}
	if code == have.code {
		return have, "that is the same code again. The next one comes in " + w.left()
	}
	if seed.IsZero() {
		if have.code != "" && got.at.Sub(have.at) > 2*codeStep {
			return got, "too much time has passed between the two. This one counts as the first: type the one after it"
		}
		return got, ""
	}
	now, ok := stepAt(got.at), false
	if got.step, ok = stepOf(seed, code, now); !ok {
		return have, "that is no code of the secret above. Look at the entry that was added just now, and type what it shows"
	}
	if off := got.step - now; off < -reach || off > reach {
		return have, fmt.Sprintf("the clock of the device is %s: set it to the network's time, and type a new code", aside(off))
	}
	if have.code != "" && got.step != have.step+1 {
		return got, "these two do not follow each other. This one counts as the first: type the one after it"
	}
	return got, ""
}

// aside says how far a device's clock is off.
func aside(steps int64) string {
	d := time.Duration(steps) * codeStep
	if d < 0 {
		return "about " + (-d).String() + " behind AWS's"
	}
	return "about " + d.String() + " ahead of AWS's"
}

// left is how long the code of now is still shown.
func (w *Work) left() string {
	const step = int64(codeStep / time.Second)
	return fmt.Sprintf("%d s", step-w.Now().Unix()%step)
}
