// Package unlock keeps the identity of the vault: one small age secret key
// that opens everything else. Each kind of unlocker guards it another way; all
// of them keep it in a slot, an age file that the stock age program opens too.
// It does not know the vault, nor how a question reaches a person.
package unlock

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
)

// Unlocker keeps one identity. No method logs, and no error holds an answer.
type Unlocker interface {
	// Usable gives nil, or why Load cannot work: ErrNoSlot, a *SlotError, a
	// *KeeperError, or what is wrong with the file's owner and mode. It asks nobody.
	Usable(context.Context) error
	// Load asks once and gives the identity. *WrongError and *AnswerError tell that
	// the answer was at fault, ErrNoSlot that there is nothing to open, and
	// *KeeperError that what guards the slot does not work here and now.
	Load(context.Context) (cred.Secret, error)
	// Save asks for a new answer and keeps the identity under it, in place of
	// what was there. After a crash either the old answer opens or the new one.
	Save(context.Context, cred.Secret) error
	// Forget removes the slot. A slot that is not there is no error.
	Forget(context.Context) error
}

// Locker is an unlocker whose keeper can be shut, so that the next Load asks the
// person.
type Locker interface {
	// Lock shuts what holds this store's key, unless other things are in it, too.
	// It names what it shuts, and gives "" where there is nothing to shut.
	Lock(context.Context) (what string, err error)
}

// Noter is an unlocker whose keeper may want something before Load gives the
// identity, which Usable does not tell.
type Noter interface {
	// Note says what is wanted, or "". It asks nobody, and starts nothing.
	Note(context.Context) string
}

// Question is what an unlocker wants to know.
type Question struct {
	Text string // what to ask for, without a colon
	New  bool   // a new secret: ask twice, and say what a good one is
	What string // what the answer is: "passphrase", "recovery code"; empty where By asks

	// By is the program that wants to know, such as age-plugin-tpm, which gets the
	// answer. Empty: fob, for a slot. A passphrase that was given is for fob alone.
	By string
}

// Env is what an unlocker may use of the world.
type Env struct {
	Dir string // the folder of the slots

	// Ask puts a question to a person, or answers it from a variable or a
	// descriptor. For a new secret it asks twice.
	Ask func(context.Context, Question) (cred.Secret, error)

	// Lookup reads one variable of the environment.
	Lookup func(name string) (string, bool)

	// Run runs a program that keeps things, and gives its output. How it failed,
	// and its last words, stand in the error.
	Run func(context.Context, Command) ([]byte, error)

	// Environ is what a program gets that is started and talked with, as
	// "name=value"; its PATH says where such programs are looked for.
	Environ []string

	// Say shows a line from such a program, like "touch the key". Nil: nobody sees it.
	Say func(ctx context.Context, text string) error

	// Confirm lets a person choose between two words for such a program; no is
	// empty where there is one thing to do only. Nil: nobody can.
	Confirm func(ctx context.Context, text, yes, no string) (bool, error)

	// Unattended says that nobody may be asked, at the terminal or in a window of
	// some keeper's. Nil: somebody may.
	Unattended func() bool

	// Notice tells the person what is waited for. Nil: nobody hears it.
	Notice func(text string)

	// Settings are the values of a kind's options that have a name, for Save.
	Settings map[string]string

	// WorkFactor is the scrypt cost of new slots as a power of two, from 16 to
	// 20. 0 means 17, or 18 where 17 takes under 0.4 s by Now.
	WorkFactor int

	// Cheap is for fixtures: new slots cost 2^10, and WorkFactor may be as low.
	Cheap bool

	Now func() time.Time // times the work; nil: not timed
}

// alone says that nobody may be asked.
func (e Env) alone() bool { return e.Unattended != nil && e.Unattended() }

// Command is a program with its arguments, in which no secret stands. Stdin is
// what it reads; More are variables that it gets beside the usual ones.
type Command struct {
	Args  []string
	Stdin []byte
	More  []string
}

// Kind is one way to keep the identity. Name is also the name of its slot.
type Kind struct {
	Name, Help string
	Options    []Option
	Open       func(Env) Unlocker

	// Asks says that Load puts a question to Env.Ask. The other kinds open
	// without one, or ask in a way of their own.
	Asks bool
	// Choose says that a new vault may be kept this way without being told so.
	Choose bool
	// Forgets says that the slot does not open after the machine was started
	// again, so it must not be the only one.
	Forgets bool
	// Available gives nil, or why this kind cannot keep anything on this
	// machine now. It asks nobody, and starts nothing. Nil means always.
	Available func(context.Context, Env) error
	// Show is a command line that prints the key of the slot, for people who must
	// do without fob; "" where the system has none. Nil means that the slot opens
	// by what a person types.
	Show func(Env) string
}

// Recipe is the command line that writes the identity to the file out without
// fob, by the stock age program; "" where there is none.
func (k Kind) Recipe(e Env, out string) string {
	open := "-o " + out + " " + fault.Word(filepath.Join(e.Dir, k.Name+".age"))
	if k.Show == nil {
		return "age -d " + open
	}
	show := k.Show(e)
	if show == "" {
		return ""
	}
	return show + " | age -d -i - " + open
}

// Option is a setting of a kind for Save, as data for flags and help texts. No two
// kinds have options of one name.
type Option struct{ Name, Help string }

// Kinds lists every kind, in the order in which they are tried.
func Kinds() []Kind {
	return append(systemKinds(),
		Passphrase(),
		recovery(),
	)
}

// ErrNoSlot says that this kind keeps no identity.
var ErrNoSlot = errors.New("no slot")

// WrongError says that the answer does not open the slot. A slot whose salt or
// wrapped key was changed looks the same, and nothing can tell the two apart.
type WrongError struct {
	What string // "passphrase"
	Path string
}

func (e *WrongError) Error() string {
	return "wrong " + e.What + ", or " + fault.Printable(e.Path) + " is damaged"
}

// SlotError says that a slot is damaged or not a slot, whatever the answer.
type SlotError struct{ Path, Why string }

func (e *SlotError) Error() string { return fault.Printable(e.Path) + " " + e.Why }

// KeeperError says that what guards a slot does not work here and now, or does
// not have what the slot needs. The slot itself may be sound.
type KeeperError struct {
	Kind string
	Why  error  // reads on after the kind's name
	Mend string // what a person can do about it; "" where nothing is known
}

// newKeeperError takes what mends it from the cause.
func newKeeperError(kind string, why error) *KeeperError {
	e := &KeeperError{Kind: kind, Why: why}
	if known := (*mendable)(nil); errors.As(why, &known) {
		e.Mend = known.mend
	}
	return e
}

// mendable is an error of a keeper about which something can be done.
type mendable struct {
	error
	mend string
}

func (e *mendable) Unwrap() error { return e.error }

// ErrUnattended says that a keeper would have to ask a person, and nobody may be
// asked.
var ErrUnattended = errors.New("nobody may be asked")

func (e *KeeperError) Error() string { return e.Kind + ": " + e.Why.Error() }

func (e *KeeperError) Unwrap() error { return e.Why }

// AnswerError says that an answer cannot be one, before any work is done.
type AnswerError struct {
	What string // "passphrase"
	Why  string // "is empty"; never the answer
}

func (e *AnswerError) Error() string { return "the " + e.What + " " + e.Why }

// MemoryError says that deriving the key takes more memory than there is, which
// would end the process without a word.
type MemoryError struct{ Need, Limit int64 } // bytes
