// Package cli has the commands: what each takes, what it prints, and how the
// parts are joined for it. It renders faults and knows how nothing works.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"

	"github.com/spf13/cobra"
)

// Main runs one command line and gives its exit status.
func Main(sys System) int {
	ctx, stop := interruptible()
	defer stop()
	name := filepath.Base(sys.Args[0])
	if strings.HasPrefix(name, "fob") {
		name = "fob"
	}
	out := &output{to: sys.Stdout}
	sys.Stdout = out
	sys.clock = awsapi.NewClock(sys.Now)
	asJSON, err := false, sys.checkFront()
	if err == nil {
		asJSON, err = sys.execute(ctx)
	}
	if f := (*fault.Error)(nil); out.err != nil && !errors.As(err, &f) {
		err = &fault.Error{What: "cannot write the output", Why: out.err, Code: fault.Failed}
	}
	if done := (*launch.Exited)(nil); errors.As(err, &done) {
		return done.Status
	}
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintln(sys.Stderr)
		return interrupted(ctx)
	}
	err = fault.Scarce(err)
	if err = sys.toAgent("", err); renderRefusal(sys.Stderr, err) {
		return int(fault.CodeOf(err))
	}
	if asJSON {
		renderJSON(sys.Stderr, err)
	} else {
		fault.Render(sys.Stderr, name, err)
	}
	if sys.asIncumbent() {
		return incumbentStatus(err)
	}
	return int(fault.CodeOf(err))
}

// output remembers that something could not be written, for help texts and all
// else that is printed without looking.
type output struct {
	to  io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// execute parses the command line and runs the command. What cobra itself finds
// wrong with it, before any command of ours runs, is a usage fault. asJSON says
// that the command was told to answer in JSON, which then goes for failures too.
func (s *System) execute(ctx context.Context) (asJSON bool, err error) {
	root, running := newRoot(s), false
	for _, c := range everyCommand(root) {
		if run := c.RunE; run != nil {
			c.RunE = func(c *cobra.Command, args []string) error {
				running = true
				return run(c, args)
			}
		}
	}
	args := s.Args[1:]
	if s.asIncumbent() {
		if args, err = responseFiles(args); err != nil {
			return false, err
		}
	}
	if done, err := s.special(ctx, root, args); done {
		return false, err
	}
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	if f := c.Flags().Lookup("json"); f != nil && !f.Hidden {
		asJSON = f.Value.String() == "true"
	}
	if done := (*fault.Error)(nil); err == nil || running || errors.As(err, &done) {
		return asJSON, err
	}
	return asJSON, usage(c, err)
}

func everyCommand(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, everyCommand(sub)...)
	}
	return all
}

// checkFront makes sure that the front which started us is of the same build.
func (s *System) checkFront() error {
	got := front.Lookup(s.Environ, front.VersionVariable)
	kept := make([]string, 0, len(s.Environ))
	for _, e := range s.Environ {
		if !strings.HasPrefix(e, front.VersionVariable+"=") {
			kept = append(kept, e)
		}
	}
	s.Environ = kept
	if got == s.Version {
		return nil
	}
	f := &fault.Error{
		What: "cannot work: fob and fob-core are not of one version",
		Why:  fmt.Errorf("fob is %q, fob-core is %q", got, s.Version),
		Next: []string{"install both from the same release, side by side"},
		Code: fault.Failed,
	}
	if got == "" {
		f.What, f.Why = "cannot work: fob-core is started by fob, not by hand", nil
		f.Next = []string{"run fob instead"}
	}
	// Inside exec no failure of ours may be taken for the command's.
	if c, _, err := newRoot(s).Find(s.Args[1:]); err == nil && c.Name() == "exec" {
		f.Code = fault.Launcher
	}
	return f
}
