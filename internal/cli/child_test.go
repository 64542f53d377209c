//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"fob/internal/playground"

	"github.com/rogpeppe/go-internal/testscript"
)

// childMain is `child [SECONDS]`: a command that fob could run. It says on the
// terminal that it is there, counts every signal that reaches it, and ends with
// SIGTERM, or by itself where no one ends it.
func childMain() int {
	signals := make(chan os.Signal, 64)
	// SIGURG is what Go's own scheduler uses; a child would not tell it apart.
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGPIPE, syscall.SIGCHLD)
	if t, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		_, _ = t.WriteString("child is there\n")
		_ = t.Close()
	}
	// What comes within a moment of the first signal counts as well, so that a
	// signal passed on twice is seen twice.
	end := time.After(30 * time.Second)
	for {
		select {
		case s := <-signals:
			fmt.Println(s)
			if s == syscall.SIGTERM {
				return 0
			}
			end = time.After(500 * time.Millisecond)
		case <-end:
			return 0
		}
	}
}

// awsMore is the part of `aws` that changes what there is at AWS:
// `aws role FILE`, `aws user NAME GROUP...`, `aws allow USER FILE`, `aws clock
// DURATION` (its own clock, and not this machine's), `aws role-life DURATION` (the
// most that a role's session lasts) and `aws healthy`.
func awsMore(ts *testscript.TestScript, p *playground.Server, args []string) {
	switch args[0] {
	case "role":
		role := playground.Role{Account: args[1], Name: args[2], Trust: ts.ReadFile(args[3]), Policy: ts.ReadFile(args[4]), Max: time.Hour}
		if len(args) > 5 {
			d, err := time.ParseDuration(args[5])
			ts.Check(err)
			role.Max = d
		}
		_, err := p.AddRole(role)
		ts.Check(err)
	case "user":
		u, err := p.AddUser(args[1], args[2:]...)
		ts.Check(err)
		ts.Setenv("KEY_ID", u.AccessKeyID)
		ts.Setenv("KEY_SECRET", u.Secret.Reveal())
		ts.Setenv("AWS_ACCESS_KEY_ID", u.AccessKeyID)
		ts.Setenv("AWS_SECRET_ACCESS_KEY", u.Secret.Reveal())
		ts.Setenv("TERM_USER", args[1])
	case "be": // a user that there is
		id, secret := ts.Value("aws").(localAWS).Key(args[1])
		ts.Setenv("AWS_ACCESS_KEY_ID", id)
		ts.Setenv("AWS_SECRET_ACCESS_KEY", secret)
		ts.Setenv("TERM_USER", args[1])
	case "allow":
		ts.Check(p.SetUserPolicy(args[1], ts.ReadFile(args[2])))
	case "clock":
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		p.Advance(d)
	case "new-key-delay", "role-life":
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		map[string]func(time.Duration){"new-key-delay": p.NewKeyDelay, "role-life": p.RoleLife}[args[0]](d)
	case "key":
		ts.Check(p.AddKey(args[1]))
	case "organization":
		var members []playground.Member
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &members))
		p.SetOrganization(members)
	case "healthy":
		p.ClearFaults()
	default:
		ts.Fatalf("aws: no such thing as %q", args[0])
	}
}

// cmdStep is `step`: time passes until devices are about to show the next code,
// so that waiting for that takes two seconds and not thirty.
func cmdStep(ts *testscript.TestScript, _ bool, _ []string) {
	p := ts.Value("playground").(*playground.Server)
	const step = 30 * time.Second
	left := step - time.Duration(p.Now().UnixNano())%step
	cmdClock(ts, false, []string{(left + step - 2*time.Second).String()})
}

// cmdTook is `took LEAST MOST command...`: the command succeeds within these
// bounds of real time.
func cmdTook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: took LEAST MOST STATUS COMMAND...")
	}
	least, err := time.ParseDuration(args[0])
	ts.Check(err)
	most, err := time.ParseDuration(args[1])
	ts.Check(err)
	begin := time.Now()
	cmdExits(ts, false, args[2:])
	if took := time.Since(begin); took < least || took > most {
		ts.Fatalf("%s took %s, want %s to %s", strings.Join(args[3:], " "), took, least, most)
	}
}
