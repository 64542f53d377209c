package unlock

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"fob/internal/cred"
)

// The protocol is https://c2sp.org/age-plugin. fileKeySize is that of every age
// file; the others bound what a plugin may send, and ask, in one run.
const (
	fileKeySize  = 16
	maxCommands  = 64
	maxQuestions = 10
)

// pluginPatience is how long a plugin may say nothing: a person may have to find
// a key and touch it. While a question of its own is open it is not counted.
const pluginPatience = 2 * time.Minute

// refusalError is what a plugin says itself: it works, and does not do it.
type refusalError struct{ said string }

func (e *refusalError) Error() string { return "says: " + e.said }

// client talks with one plugin.
type client struct {
	name     string // as in the identity
	env      Env
	find     func(name string, environ []string) (string, error)
	patience time.Duration
}

func (c client) title() string { return pluginPrefix + c.name }

// wrap lets the plugin wrap a file key. to is add-recipient or add-identity with
// what the key is wrapped to.
func (c client) wrap(ctx context.Context, fileKey []byte, to *age.Stanza) (*age.Stanza, error) {
	made, err := c.run(ctx, "recipient-v1", []*age.Stanza{to, {Type: "wrap-file-key", Body: fileKey}}, "recipient-stanza")
	if err != nil {
		return nil, err
	}
	if len(made.Args) < 2 {
		return nil, fmt.Errorf("%s %w", c.title(), errNoStanza)
	}
	return &age.Stanza{Type: made.Args[1], Args: made.Args[2:], Body: made.Body}, nil
}

// unwrap lets the plugin unwrap a file key. errNothing says that it gave none,
// and no reason.
func (c client) unwrap(ctx context.Context, identity string, wrapped *age.Stanza) ([]byte, error) {
	given, err := c.run(ctx, "identity-v1", []*age.Stanza{
		{Type: "add-identity", Args: []string{identity}},
		{Type: "recipient-stanza", Args: slices.Concat([]string{"0", wrapped.Type}, wrapped.Args), Body: wrapped.Body},
	}, "file-key")
	if err != nil {
		return nil, err
	}
	if len(given.Args) != 1 || len(given.Body) != fileKeySize {
		return nil, fmt.Errorf("%s %w", c.title(), errNoStanza)
	}
	return given.Body, nil
}

// run starts the plugin, sends what it works on, answers what it asks until it
// is done, and gives the one stanza that was wanted of it.
func (c client) run(ctx context.Context, machine string, work []*age.Stanza, want string) (*age.Stanza, error) {
	path, err := c.find(c.name, c.env.Environ)
	if err != nil {
		return nil, err
	}
	p, err := startProgram(ctx, path, machine, c.env.Environ)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", c.title(), err)
	}
	t := &talk{client: c, program: p, from: newStanzaReader(p.out)}
	given, err := t.hold(ctx, append(work, &age.Stanza{Type: "done"}), want)
	if errors.Is(err, errTooMuch) || errors.Is(err, errNoStanza) {
		_ = p.kill() // it would only write on
	}
	p.end()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil:
		return given, nil
	case t.unanswered != nil:
		return nil, fmt.Errorf("asking for what %s wants: %w", c.title(), t.unanswered)
	case p.silent.Load():
		return nil, fmt.Errorf("%s said nothing for %s", c.title(), c.patience)
	case errors.Is(err, errHungUp):
		if said := t.words(p.said.lastLine()); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
	}
	return nil, fmt.Errorf("%s %w", c.title(), err)
}

// errNothing says that the plugin was done without the one thing it is for.
var errNothing = errors.New("gave no key")

// talk is one run.
type talk struct {
	client
	program    *program
	from       *stanzaReader
	answers    []cred.Secret // that were given
	questions  int
	unanswered error // why the last question got none
}

// hold has the conversation: ours first, then the plugin's.
func (t *talk) hold(ctx context.Context, work []*age.Stanza, want string) (*age.Stanza, error) {
	for _, s := range work {
		if err := t.send(s); err != nil {
			return nil, err
		}
	}
	var given *age.Stanza
	for range maxCommands {
		s, err := t.next()
		if err != nil {
			return nil, err
		}
		reply := &age.Stanza{Type: "ok"}
		switch s.Type {
		case "done":
			if given == nil {
				return nil, errNothing
			}
			return given, nil
		case "error":
			_ = t.send(reply) // it has told what there is to tell
			return nil, &refusalError{said: t.words(string(s.Body))}
		case want: // for the one file that it knows of, and once
			if given != nil || len(s.Args) == 0 || s.Args[0] != "0" {
				return nil, errNoStanza
			}
			given = s
		default:
			reply = t.reply(ctx, s)
		}
		if err := t.send(reply); err != nil {
			return nil, err
		}
	}
	return nil, errTooMuch
}

func (t *talk) next() (*age.Stanza, error) {
	silence := t.program.watch(t.patience)
	defer silence.Stop()
	return t.from.next()
}

func (t *talk) send(s *age.Stanza) error {
	text, err := encodeStanza(s)
	if err != nil {
		return err
	}
	silence := t.program.watch(t.patience) // it may not read
	defer silence.Stop()
	if _, err := t.program.in.Write(text); err != nil {
		return errHungUp
	}
	return nil
}

// reply does what the plugin wants of the person. What cannot be done is told to
// the plugin, which decides what that means.
func (t *talk) reply(ctx context.Context, s *age.Stanza) *age.Stanza {
	text := t.title() + ": " + t.words(string(s.Body))
	answer, err := &age.Stanza{Type: "ok"}, error(nil)
	switch s.Type {
	case "msg":
		if err = errors.ErrUnsupported; t.env.Say != nil {
			err = t.env.Say(ctx, text)
		}
	case "request-secret", "request-public":
		answer.Body, err = t.ask(ctx, text)
		t.unanswered = err
	case "confirm":
		answer.Args, err = t.confirm(ctx, text, s.Args)
		t.unanswered = err
	default:
		return &age.Stanza{Type: "unsupported"}
	}
	if err != nil {
		return &age.Stanza{Type: "fail"}
	}
	return answer
}

func (t *talk) ask(ctx context.Context, text string) ([]byte, error) {
	if t.questions++; t.env.Ask == nil || t.env.alone() || t.questions > maxQuestions {
		return nil, t.unasked("nobody can be asked, or was asked too often")
	}
	answer, err := t.env.Ask(ctx, Question{Text: text, By: t.title()})
	if err != nil {
		return nil, err
	}
	if len(answer.Reveal()) > maxAnswer {
		return nil, &AnswerError{What: "answer to " + t.title(), Why: "is longer than 4096 bytes"}
	}
	t.answers = append(t.answers, answer)
	return []byte(answer.Reveal()), nil
}

// unasked says why a question is not put.
func (t *talk) unasked(usually string) error {
	if t.env.alone() {
		return ErrUnattended
	}
	return errors.New(usually)
}

// confirm lets a person choose one of the plugin's two words.
func (t *talk) confirm(ctx context.Context, text string, args []string) ([]string, error) {
	if t.questions++; t.env.Confirm == nil || t.env.alone() || t.questions > maxQuestions || len(args) < 1 || len(args) > 2 {
		return nil, t.unasked("nobody can be asked to choose")
	}
	choices := make([]string, 2)
	for i, arg := range args {
		choice, err := base64.RawStdEncoding.Strict().DecodeString(arg)
		if err != nil {
			return nil, errNoStanza
		}
		choices[i] = t.words(string(choice))
	}
	yes, err := t.env.Confirm(ctx, text, choices[0], choices[1])
	if yes {
		return []string{"yes"}, err
	}
	return []string{"no"}, err
}

// words is what the plugin says, as one short line that can do nothing to a
// terminal and holds no answer.
func (t *talk) words(said string) string {
	for _, answer := range t.answers {
		if text := answer.Reveal(); text != "" {
			said = strings.ReplaceAll(said, text, "[secret]")
		}
	}
	return oneLine(said)
}
