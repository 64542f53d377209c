// Package guard decides who may have what: what a person must do before the
// session of a guarded profile is handed out, and what an agent gets. It knows
// no network, no secret and no terminal; whoever asks tells it what there is.
package guard

import "fob/internal/decide/profile"

// Setting is the setting that puts a guard on a profile.
const Setting = "fob_guard"

// Level is how a profile is guarded. The zero value is no guard.
type Level string

const (
	// None asks for nothing.
	None Level = ""
	// Confirm has a person type the profile's name on the terminal.
	Confirm Level = "confirm"
	// Code costs a fresh MFA code, whatever session is kept.
	Code Level = "code"
)

// Of reads the guard of a profile. ok is false where the setting says nothing
// that is known: then nothing may be handed out.
func Of(p profile.Profile) (level Level, set profile.Setting, ok bool) {
	set, there := p.Setting(Setting)
	switch {
	case !there || set.Value == "none":
		return None, set, true
	case set.Value == string(Confirm), set.Value == string(Code):
		return Level(set.Value), set, true
	}
	return None, set, false
}

// Stricter is the one of the two that asks for more.
func Stricter(a, b Level) Level {
	if a == Code || b == None {
		return a
	}
	return b
}

// FreshCode says whether the session is made by a code that is asked for now, and
// by no session that a code opened before.
func (l Level) FreshCode() bool { return l == Code }

// Known lists the values of the setting, for whoever wrote another one.
func Known() string { return "none, confirm or code" }

// Handed is what is about to be handed out, and where.
type Handed struct {
	Level Level
	// StoredKey says that it is a long-term key, which no code can be asked for.
	StoredKey bool
	// NoCode says that no step on the way takes an MFA code.
	NoCode bool
	// TypedCode says that a person types the code on the terminal, and no program
	// or flag gives it.
	TypedCode bool
}

// Ruling is what must happen first.
type Ruling struct {
	// TypeName: a person types the profile's name on the terminal.
	TypeName bool
	// Refused says why nothing is handed out, whatever a person does.
	Refused Refusal
}

// Refusal is a reason why a guard lets nothing through. The zero value is none.
type Refusal string

const (
	// KeyUnderCode: a stored key takes no code.
	KeyUnderCode Refusal = "its guard asks for an MFA code, and the stored key is handed out without one"
	// NoDevice: no step takes a code.
	NoDevice Refusal = "its guard asks for an MFA code, and no step on the way takes one"
)

// Rule is the person's side of a guard. A person is always there: where a
// program gives the code, the name is typed too.
func Rule(h Handed) Ruling {
	switch {
	case h.Level == None:
		return Ruling{}
	case h.Level == Confirm:
		return Ruling{TypeName: true}
	case h.StoredKey:
		return Ruling{Refused: KeyUnderCode}
	case h.NoCode:
		return Ruling{Refused: NoDevice}
	}
	return Ruling{TypeName: !h.TypedCode}
}
