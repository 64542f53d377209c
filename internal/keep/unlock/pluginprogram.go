package unlock

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"fob/internal/fault"
)

// pluginPrefix is how the program of a plugin is named.
const pluginPrefix = "age-plugin-"

// maxPluginName is longer than the name of any plugin there is.
const maxPluginName = 64

// isPluginName says whether a name may become part of a program's: the file
// that names the plugin must not choose what is run (GO-2024-3344).
func isPluginName(name string) bool {
	return name != "" && len(name) <= maxPluginName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// findPlugin gives the absolute path of a plugin's program, from the absolute
// folders of PATH: what stands in the working directory is somebody else's.
func findPlugin(name string, environ []string) (string, error) {
	if !isPluginName(name) {
		return "", errors.New("the name of the plugin is not one of letters, digits and hyphens")
	}
	for _, dir := range searchPath(environ) {
		path := filepath.Join(dir, pluginPrefix+name+programSuffix())
		if info, err := os.Stat(path); err == nil && isProgram(info) {
			return path, nil
		}
	}
	return "", &mendable{errors.New(pluginPrefix + name + " is not on PATH"), "install it, or set PATH to the folder that has it"}
}

// anyPlugin says whether a program of any plugin is there.
func anyPlugin(environ []string) bool {
	for _, dir := range searchPath(environ) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // as a shell does
		}
		for _, e := range entries {
			name, is := strings.CutPrefix(strings.TrimSuffix(e.Name(), programSuffix()), pluginPrefix)
			if !is || !isPluginName(name) {
				continue
			}
			if _, err := findPlugin(name, environ); err == nil {
				return true
			}
		}
	}
	return false
}

// searchPath gives the folders of PATH that are absolute.
func searchPath(environ []string) []string {
	var dirs []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if name != "PATH" && !(runtime.GOOS == "windows" && strings.EqualFold(name, "PATH")) {
			continue
		}
		for _, dir := range filepath.SplitList(value) {
			if filepath.IsAbs(dir) {
				dirs = append(dirs, dir)
			}
		}
		break // the first one counts, as with getenv(3)
	}
	return dirs
}

// programSuffix is the one kind of program that Windows starts without a shell.
func programSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func isProgram(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode().Perm()&0o111 != 0)
}

// pluginEnviron is environ without what is fob's or AWS's, whoever has looked
// at it before, and without the switch that makes plugins log what they hear.
func pluginEnviron(environ []string) []string {
	var out []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		name = strings.ToUpper(name)
		if !strings.HasPrefix(name, "FOB_") && !strings.HasPrefix(name, "AWS_") && name != "AGEDEBUG" {
			out = append(out, entry)
		}
	}
	return out
}

// program is a plugin that runs.
type program struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *os.File
	said    *lastWords
	silent  atomic.Bool   // it was ended because nothing came from it
	gone    chan struct{} // closed when it has ended
}

// startProgram runs a plugin in one of the protocol's state machines. The end of
// the context ends it. It stays in our job, so that one which asks at the
// terminal by itself can, and runs beside its own file: not in our working
// directory, from which Windows would load its libraries.
func startProgram(ctx context.Context, path, machine string, environ []string) (*program, error) {
	c := exec.CommandContext(ctx, path, "--age-plugin="+machine)
	p := &program{command: c, said: &lastWords{}, gone: make(chan struct{})}
	c.Env, c.Dir, c.Stderr, c.WaitDelay = pluginEnviron(environ), filepath.Dir(path), p.said, time.Second
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	defer theirs.Close()
	p.in, p.out, c.Stdout, c.Cancel = in, out, theirs, p.kill
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	go p.wait()
	return p, nil
}

// wait sees the program end. What it has written is still read, but not for
// long: a child that it has left may hold the other end of the pipe for ever.
// Its status says nothing that it has not told, or not told.
func (p *program) wait() {
	_ = p.command.Wait()
	close(p.gone)
	time.AfterFunc(time.Second, func() { _ = p.out.Close() })
}

// kill ends the program and whoever waits for what it writes.
func (p *program) kill() error {
	err := p.command.Process.Kill()
	_ = p.out.Close()
	return err
}

// watch ends the program unless it is stopped in time.
func (p *program) watch(patience time.Duration) *time.Timer {
	return time.AfterFunc(patience, func() {
		p.silent.Store(true)
		_ = p.kill()
	})
}

// end lets the program see that nothing more comes and go by itself, for a
// moment.
func (p *program) end() {
	_ = p.in.Close()
	hurry := time.AfterFunc(time.Second, func() { _ = p.command.Process.Kill() })
	defer hurry.Stop()
	<-p.gone
	_ = p.out.Close()
}

// lastWords keeps the end of what a program says on standard error.
type lastWords struct{ text []byte }

func (l *lastWords) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-maxWords):]
	return len(p), nil
}

// lastLine gives the last line that says something.
func (l *lastWords) lastLine() string {
	last := ""
	for line := range strings.Lines(string(l.text)) {
		if strings.TrimSpace(line) != "" {
			last = line
		}
	}
	return last
}

// maxWords is how much of a plugin's words is shown, in bytes.
const maxWords = 300

// oneLine makes what a plugin says one short line that cannot do anything to a
// terminal.
func oneLine(said string) string {
	line := strings.Join(strings.Fields(said), " ")
	if len(line) > maxWords {
		line = strings.ToValidUTF8(line[:maxWords], "") + "..."
	}
	return fault.Line(line)
}
