package desktop

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// errQuestion is what both ways of getting no answer are.
var errQuestion = errors.New("no answer")

// questionError says why a question of the service has no answer.
type questionError string

func (e questionError) Error() string        { return string(e) }
func (e questionError) Is(target error) bool { return target == errQuestion }

// ask has the service put its question to the person and gives what came of it.
// No question, no wait. A question that is not answered is taken back.
func (s *Secrets) ask(ctx context.Context, question Path) (dbus.Variant, error) {
	if question == nothing {
		return dbus.Variant{}, nil
	}
	within, cancel := context.WithTimeout(ctx, s.bus.limits.Person)
	defer cancel()
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
				return outcome(signal.Body)
			case s.ended(signal):
				return dbus.Variant{}, errors.New("it has ended")
			}
		}
	}
	_ = s.object(question).Call(context.WithoutCancel(ctx), secretsPrompt+".Dismiss", nil)
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

func outcome(body []any) (dbus.Variant, error) {
	var dismissed bool
	var result dbus.Variant
	if dbus.Store(body, &dismissed, &result) != nil {
		return result, &FormError{Method: "Prompt"}
	}
	if dismissed {
		return result, questionError("its question was dismissed")
	}
	return result, nil
}
