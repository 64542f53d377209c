package cli

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
)

// browse opens a file or an address with the person's browser, and gives how the
// opener ends: some do at once and others with the browser. The opener is not in
// our job: Ctrl-C is for fob, not for the browser.
func (p *processes) browse(browser, target string) (<-chan error, error) {
	opener, err := openerOf(browser, front.Lookup(p.environ, "BROWSER"), target)
	if err != nil {
		return nil, err
	}
	path, err := launch.LookPath(opener[0], p.environ)
	if err != nil {
		return nil, err
	}
	c := exec.Command(path, opener[1:]...)
	c.Env = launch.Bare(p.environ)
	ownGroup(c)
	if err := p.start(c); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		err := c.Wait()
		if err != nil {
			err = fmt.Errorf("%s: %w", fault.Line(opener[0]), err)
		}
		ended <- err
	}()
	return ended, nil
}

// openerOf is the command that opens target: the one that was named, else the
// first of BROWSER, a list like PATH, else the system's. %s stands for the
// target, which comes last where it does not stand.
func openerOf(named, list, target string) ([]string, error) {
	line := named
	if line == "" {
		line, _, _ = strings.Cut(list, string(filepath.ListSeparator))
	}
	if line == "" {
		switch runtime.GOOS {
		case "darwin":
			return []string{"/usr/bin/open", target}, nil
		case "windows":
			return []string{"rundll32.exe", "url.dll,FileProtocolHandler", target}, nil
		}
		return []string{"xdg-open", target}, nil
	}
	argv, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	placed := false
	for i, word := range argv {
		if strings.Contains(word, "%s") {
			argv[i], placed = strings.ReplaceAll(word, "%s", target), true
		}
	}
	if !placed {
		argv = append(argv, target)
	}
	return argv, nil
}

// splitWords splits a command line at spaces outside of quotes. Nothing in it is
// expanded: it is no shell that reads it.
func splitWords(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	within, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, within = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if within {
				out = append(out, word.String())
				word.Reset()
			}
			within = false
		default:
			word.WriteRune(r)
			within = true
		}
	}
	if within {
		out = append(out, word.String())
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote in the command is not closed")
	case len(out) == 0 || out[0] == "":
		return nil, errors.New("the command is empty")
	}
	return out, nil
}

// noBrowser says how a profile's console opens without one; profile is "" for the
// credentials of the environment.
func noBrowser(profile string, err error) error {
	link := "fob login --stdout"
	if profile != "" {
		link += " " + fault.Word(profile)
	}
	return &fault.Error{What: "cannot open a browser", Why: err, Next: []string{"name one: --browser COMMAND", "print the link instead: " + link}, Code: fault.Attend}
}
