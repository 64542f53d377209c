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
	rules := []dbus.MatchOption{dbus.WithMatchSender(s.owner), dbus.WithMatchObjectPath(question), dbus.WithMatchInterface(secretsPrompt)}
	if err := s.bus.conn.AddMatchSignalContext(within, rules...); err != nil {
		return dbus.Variant{}, s.unanswered(ctx)
	}
	if err := s.object(question).Call(ctx, secretsPrompt+".Prompt", []any{""}); err != nil {
		return dbus.Variant{}, err
	}
	for {
		select {
		case <-within.Done():
			_ = s.object(question).Call(context.WithoutCancel(ctx), secretsPrompt+".Dismiss", nil)
			return dbus.Variant{}, s.unanswered(ctx)
		case signal, open := <-signals:
			if !open {
				return dbus.Variant{}, errors.New("the D-Bus session ended")
			}
			// Anybody on the bus may send a signal, so its sender counts.
			if signal.Sender == s.owner && signal.Path == question && signal.Name == secretsPrompt+".Completed" {
				return outcome(signal.Body)
			}
		}
	}
}

func (s *Secrets) unanswered(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return questionError(fmt.Sprintf("its question was not answered within %s", s.bus.limits.Person))
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
