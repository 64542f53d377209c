//go:build unix

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fob/internal/cred"
	"fob/internal/obtain/awsapi"
	"fob/internal/playground"

	"github.com/creack/pty"
)

// termMain is `term ANSWERS command...`: a person at a terminal. The command's
// standard streams are the script's; its controlling terminal is a pty on which
// each line "QUESTION => ANSWER" of the file is answered in turn. $CODE is the
// next code of $TERM_USER's MFA device, $AGAIN the one before once more, $SHOWN
// the secret that was shown last, $TOTP+N the code of that secret N steps of 30 s
// from now, in a later run too, ^C interrupts, ^D ends the input. Status 98:
// a question was not asked; 97: the command waited for something else.
func termMain(args []string) int {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return complain(96, err)
	}
	master, slave, err := pty.Open()
	if err != nil {
		return complain(96, err)
	}
	c := exec.Command(args[1], args[2:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TEST_NO_TTY=") {
			c.Env = append(c.Env, e)
		}
	}
	c.ExtraFiles = []*os.File{slave}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := c.Start(); err != nil {
		return complain(96, err)
	}
	_ = slave.Close()
	unasked := answer(master, strings.Split(strings.TrimSpace(string(text)), "\n"), c.Process)
	err = c.Wait()
	if unasked != "" {
		return complain(98, fmt.Errorf("not asked: %s", unasked))
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			return 128 + int(ws.Signal())
		}
		return exit.ExitCode()
	}
	return 0
}

func complain(status int, err error) int {
	fmt.Fprintln(os.Stderr, "term:", err)
	return status
}

// answer reads the terminal until the command ends, and gives the first question
// that did not come. All that was shown is appended to $TERM_LOG.
func answer(master *os.File, lines []string, p *os.Process) (unasked string) {
	log, err := os.OpenFile(os.Getenv("TERM_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	// The longest any question of these scripts is waited for.
	stop := time.AfterFunc(60*time.Second, func() { _ = p.Kill() })
	defer stop.Stop()
	seen, all, buf := "", "", make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		_, _ = log.Write(buf[:n])
		seen += string(buf[:n])
		all += string(buf[:n])
		for len(lines) > 0 && lines[0] != "" {
			question, reply, _ := strings.Cut(lines[0], " =>")
			at := strings.Index(seen, question)
			if at < 0 {
				break
			}
			seen, lines = seen[at+len(question):], lines[1:]
			shown := shownOnce(all)
			reply = strings.ReplaceAll(strings.TrimPrefix(reply, " "), "$SHOWN", shown)
			reply = appCode.ReplaceAllStringFunc(reply, func(word string) string { return showsCode(shown, word) })
			_, _ = master.WriteString(keysOf(reply))
		}
		if err != nil {
			if len(lines) > 0 && lines[0] != "" {
				return lines[0]
			}
			return ""
		}
	}
}

// shownOnce is the secret that was shown last: it is copied down, as people do.
func shownOnce(screen string) string {
	_, text, _ := strings.Cut(screen[max(0, strings.LastIndex(screen, "shown this once: ")):], "shown this once: ")
	text, _, _ = strings.Cut(text, "\r")
	return text
}

var appCode = regexp.MustCompile(`\$TOTP([+-]\d+)`)

// showsCode is the app on the phone, which has taken in what the screen showed.
func showsCode(shown, word string) string {
	kept := os.Getenv("TERM_LOG") + ".app"
	if shown == "" {
		text, _ := os.ReadFile(kept)
		shown = string(text)
	}
	_ = os.WriteFile(kept, []byte(shown), 0o600)
	n, _ := strconv.Atoi(appCode.FindStringSubmatch(word)[1])
	return playground.Code(cred.NewSecret(shown), clock().Add(time.Duration(n)*30*time.Second))
}

func keysOf(reply string) string {
	switch reply {
	case "^C":
		return "\x03"
	case "^D":
		return "\x04"
	}
	if strings.Contains(reply, "$CODE") {
		client, err := awsapi.HTTPClient("", 0)
		if err != nil {
			return "\x03"
		}
		ctx, stop := interruptible()
		defer stop()
		user := os.Getenv("TERM_USER")
		if user == "" {
			user = "gruntwork"
		}
		code, wait, err := askCode(ctx, client, os.Getenv(playgroundURL), user)
		if err != nil {
			fmt.Fprintln(os.Stderr, "term: no code:", err)
			return "\x03"
		}
		// A person waits for the phone to show the next code. Scripts move the
		// clock instead where they can.
		time.Sleep(wait)
		reply = strings.ReplaceAll(reply, "$CODE", code)
		_ = os.WriteFile(os.Getenv("TERM_LOG")+".code", []byte(code), 0o600)
	}
	if strings.Contains(reply, "$AGAIN") {
		last, _ := os.ReadFile(os.Getenv("TERM_LOG") + ".code")
		reply = strings.ReplaceAll(reply, "$AGAIN", string(last))
	}
	return os.ExpandEnv(reply) + "\n"
}
