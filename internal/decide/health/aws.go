package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/fault"
)

// Answer is what came of a knock at an address of AWS's.
type Answer struct {
	// Host is where, By who asked for it in place of AWS's own, or "".
	Host, By string
	Err      error
	// Services are what is called there (sts, iam, signin).
	Services []string
	// Rare says that only fob login goes there.
	Rare bool
	// Dated says that the answer told the time, and Ahead how far AWS's clock is
	// ahead of this machine's.
	Dated bool
	Ahead time.Duration
}

const (
	// clockMost is what AWS allows a signature to be off (SigV4: 5 minutes).
	clockMost = 5 * time.Minute
	clockSome = time.Minute
	// keyOld is the age at which most rules want a key replaced (CIS AWS
	// Foundations: 90 days).
	keyOld = 90 * 24 * time.Hour
)

// Answers judges the ways to AWS, and the clock by what the answers say.
func Answers(all []Answer) []Finding {
	var found []Finding
	var good []string
	clock, dated := time.Duration(0), false
	for _, a := range all {
		if a.Dated && (!dated || a.Ahead.Abs() < clock.Abs()) {
			clock, dated = a.Ahead, true
		}
		if a.Err == nil {
			good = append(good, a.at())
			continue
		}
		f := a.silent()
		same := func(o Finding) bool { return slices.Equal(o.Next, f.Next) }
		if i := slices.IndexFunc(found, same); i >= 0 { // mended together
			found[i].What += ", " + a.at()
			continue
		}
		found = append(found, f)
	}
	if len(good) > 0 {
		text := "AWS answers at " + listed(good)
		if dated && clock.Abs() < clockSome {
			text += ", and the clock is right"
		}
		found = append(found, Finding{Level: Fine, What: text})
	}
	return append(found, clockOff(clock)...)
}

// at is the host, with the services that its name does not tell.
func (a Answer) at() string {
	var names []string
	for _, service := range a.Services {
		if !strings.Contains(a.Host, service) {
			names = append(names, map[string]string{"sts": "STS", "iam": "IAM", "signin": "sign-in"}[service])
		}
	}
	if len(names) == 0 {
		return fault.Line(a.Host)
	}
	return fault.Line(a.Host) + " (" + strings.Join(names, ", ") + ")"
}

// silent is the finding of an address without an answer.
func (a Answer) silent() Finding {
	f := Finding{Level: Wrong, What: "nothing answers at " + a.at(), Why: fault.Line(a.Err.Error()), Next: []string{"look at the network, HTTPS_PROXY and NO_PROXY"}}
	if a.By != "" {
		f.Next = []string{"correct it, or take it away: " + a.By}
	}
	if strings.Contains(f.Why, "x509:") || strings.Contains(f.Why, "certificate") {
		f.Next = append([]string{"name the certificates of your network: export AWS_CA_BUNDLE=FILE"}, f.Next...)
	}
	if a.Rare {
		f.Level, f.Why = Warning, f.Why+"; only fob login needs it"
	}
	return f
}

func clockOff(ahead time.Duration) []Finding {
	if ahead.Abs() < clockSome {
		return nil
	}
	side := "behind"
	if ahead < 0 {
		side = "ahead of"
	}
	f := Finding{Level: Warning, What: fmt.Sprintf("this machine's clock is %s %s AWS's", ahead.Abs().Round(time.Second), side), Why: "AWS refuses what is signed more than 5 minutes off", Next: []string{"sudo timedatectl set-ntp true"}}
	if ahead.Abs() >= clockMost {
		f.Level, f.Why = Wrong, "AWS refuses what is signed by it: fob signs by AWS's clock, other programs do not"
	}
	return []Finding{f}
}

// Key is what is known of one stored key and its user.
type Key struct {
	Profile string
	// Stored is when the key was stored, Made when AWS made it, or zero.
	Stored, Made time.Time
	// Unseen is why AWS was not asked, "" where it was; Next is what would help.
	Unseen string
	Next   []string
	// Inactive says that AWS has it as inactive.
	Inactive bool
	// Serial is the device that the config names, "" where it names none; Devices
	// are the user's, and Own is the serial of one that is named like the user.
	Serial, Own string
	Devices     []string
}

// Keys judges the age of keys, and the devices of their users. Those that were not
// asked about for one reason stand together.
func Keys(keys []Key, now time.Time) []Finding {
	var found []Finding
	var unseen groups
	next := map[string][]string{}
	for _, k := range keys {
		found = append(found, k.age(now)...)
		switch {
		case k.Unseen != "":
			if unseen.add(k.Unseen, k.Profile); next[k.Unseen] == nil {
				next[k.Unseen] = k.Next
			}
		case k.Own != "":
			found = append(found, k.device()...)
		}
	}
	for _, why := range unseen.texts {
		found = append(found, Finding{Level: Skipped, What: "the MFA devices of " + profilesOf(unseen.names[why]), Why: why, Next: next[why]})
	}
	return found
}

func (k Key) age(now time.Time) []Finding {
	since, made := k.Stored, "stored"
	if !k.Made.IsZero() {
		since, made = k.Made, "made"
	}
	if k.Inactive {
		return []Finding{{Level: Wrong, What: "the key of profile " + fault.Line(k.Profile) + " is inactive", Why: "AWS refuses it until somebody makes it active again", Next: []string{"store another key: fob add " + fault.Operand(k.Profile)}}}
	}
	age := now.Sub(since)
	days := int(age / (24 * time.Hour))
	text := "the key of profile " + fault.Line(k.Profile) + " was " + made + " " + count(days, "day") + " ago"
	if days == 0 {
		text = "the key of profile " + fault.Line(k.Profile) + " was " + made + " today"
	}
	if since.IsZero() || age < keyOld {
		return []Finding{{Level: Fine, What: text}}
	}
	return []Finding{{Level: Warning, What: text, Why: "most rules want a new one after 90 days", Next: []string{"fob rotate " + fault.Operand(k.Profile)}}}
}

// device judges the one that the config names by those that the user has.
func (k Key) device() []Finding {
	codes := slices.DeleteFunc(slices.Clone(k.Devices), func(s string) bool { return strings.Contains(s, ":u2f/") })
	name, enrol := fault.Line(k.Profile), "fob mfa enrol "+fault.Operand(k.Profile)
	switch {
	case len(codes) == 0 && k.Serial == "":
		return []Finding{{Level: Warning, What: "the user of profile " + name + " has no MFA device that shows codes", Why: "whoever has the key can use it", Next: []string{enrol}}}
	case len(codes) == 0:
		return []Finding{{Level: Wrong, What: "the user of profile " + name + " has no MFA device that shows codes", Why: "the config names " + k.Serial, Next: []string{enrol}}}
	case !slices.Contains(codes, k.Serial):
		return []Finding{{Level: Wrong, What: "mfa_serial of profile " + name + " is none of its user's devices", Why: "the user has " + strings.Join(codes, ", "), Next: []string{"write mfa_serial = " + codes[0] + " below profile " + name}}}
	case k.Serial != k.Own && strings.Contains(k.Serial, ":mfa/"):
		return []Finding{{Level: Warning, What: "the MFA device of profile " + name + " is not named like its user", Why: "policies for mfa/${aws:username}, as in the Reference Architecture, let the user neither resync nor remove " + k.Serial, Next: []string{enrol}}}
	}
	return []Finding{{Level: Fine, What: "the MFA device of profile " + name + " is its user's: " + k.Serial}}
}
