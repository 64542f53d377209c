package desktop

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// ErrQuestion is what all ways are in which a question of the service, such as
// for a password, gets no answer.
var ErrQuestion = errors.New("no answer")

// questionError says why a question of the service has no answer.
type questionError string

func (e questionError) Error() string        { return string(e) }
func (e questionError) Is(target error) bool { return target == ErrQuestion }

// unaskedError says why a question was not put.
type unaskedError struct{ error }

func (e unaskedError) Unwrap() error        { return e.error }
func (e unaskedError) Is(target error) bool { return target == ErrQuestion }

// ask has the service put its question to the person and gives what came of it.
// No question, no wait. One that is not answered is not taken back: GNOME Keyring
// aborts where a window that is open is dismissed, and with it goes all that is
// unlocked. It stays, and who answers it later has unlocked it for the next run.
func (s *Secrets) ask(ctx context.Context, question Path) (dbus.Variant, error) {
	if question == nothing {
		return dbus.Variant{}, nil
	}
	if s.BeforeQuestion != nil {
		if err := s.BeforeQuestion(); err != nil {
			return dbus.Variant{}, unaskedError{err}
		}
	}
	within, cancel := context.WithTimeout(ctx, s.bus.limits.Person)
	defer cancel()
	blink, over := context.WithTimeout(within, s.bus.limits.Blink)
	defer over()
	signals := make(chan *dbus.Signal, 8)
	s.bus.conn.Signal(signals)
	defer s.bus.conn.RemoveSignal(signals)
	if err := s.listen(within, question); err != nil {
		return dbus.Variant{}, err
	}
	err := s.object(question).Call(ctx, secretsPrompt+".Prompt", []any{""})
	for err == nil {
		select {
		case <-within.Done():
			err = questionError(fmt.Sprintf("its question was not answered within %s", s.bus.limits.Person))
		case signal, open := <-signals:
			switch {
			case !open:
				return dbus.Variant{}, errors.New("the D-Bus session ended")
			case signal.Sender == s.owner && signal.Path == question && signal.Name == secretsPrompt+".Completed":
				return outcome(signal.Body, blink.Err() == nil)
			case s.ended(signal):
				return dbus.Variant{}, errors.New("it has ended")
			}
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return dbus.Variant{}, err
}

// listen has the bus pass on what a question and the end of its service bring.
func (s *Secrets) listen(ctx context.Context, question Path) error {
	for _, rule := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(s.owner), dbus.WithMatchObjectPath(question), dbus.WithMatchInterface(secretsPrompt)},
		{dbus.WithMatchSender(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, s.owner)},
	} {
		if err := s.bus.conn.AddMatchSignalContext(ctx, rule...); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.New("the D-Bus session ended")
		}
	}
	return nil
}

// ended says whether a signal of the bus is that the service has left it.
// Anybody may send a signal, so its sender counts.
func (s *Secrets) ended(signal *dbus.Signal) bool {
	return signal.Sender == busName && signal.Name == busName+".NameOwnerChanged" &&
		len(signal.Body) == 3 && signal.Body[0] == s.owner && signal.Body[2] == ""
}

// outcome reads an answer. One that came at once is nobody's.
func outcome(body []any, atOnce bool) (dbus.Variant, error) {
	var dismissed bool
	var result dbus.Variant
	if dbus.Store(body, &dismissed, &result) != nil {
		return result, &FormError{Method: "Prompt"}
	}
	if dismissed {
		if atOnce {
			return result, questionError("its question ended at once, as where it can open no window")
		}
		return result, questionError("its question was dismissed")
	}
	return result, nil
}
