//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"fob/internal/cred"
	"fob/internal/obtain/awsapi"
)

// terragruntMain is `terragrunt run --all COMMAND`, as far as its credentials go:
// it asks $TG_AUTH_PROVIDER_CMD as Terragrunt does, and prints for each unit below
// the working directory the account that AWS says its credentials belong to. At
// the end it prints how often it has asked. A unit is a folder with a
// terragrunt.hcl; a line "# dependency PATH" in it is one.
//
// As there, all units are asked for at once, first to discover them (what is said
// on standard error is lost then), then to run them; a dependency is asked for in
// its own folder, with what the unit that needs it has in its environment. Nothing
// but one JSON object is taken for an answer. The real one is more than most places
// have; where it is named, TestRealTerragrunt holds this one to it.
func terragruntMain() int {
	g := &grunt{environ: os.Environ(), command: strings.Fields(os.Getenv("TG_AUTH_PROVIDER_CMD"))}
	units, err := unitsBelow(".")
	if err == nil && len(g.command) > 0 && os.Getenv("TG_NO_DISCOVERY_AUTH_PROVIDER_CMD") != "true" {
		err = g.each(units, func(u string) error { _, err := g.ask(u, g.environ, io.Discard); return err })
	}
	if err == nil {
		err = g.each(units, g.run)
	}
	slices.Sort(g.lines)
	for _, line := range g.lines {
		fmt.Println(line)
	}
	fmt.Println("asked", g.asked, "times")
	if err != nil {
		fmt.Fprintln(os.Stderr, "terragrunt:", err)
		return 1
	}
	return 0
}

type grunt struct {
	environ, command []string
	mu               sync.Mutex
	asked            int
	lines            []string
}

func unitsBelow(dir string) (units []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "terragrunt.hcl" {
			units = append(units, filepath.Dir(path))
		}
		return err
	})
	return units, err
}

// each does work for all units at once, as without --parallelism.
func (g *grunt) each(units []string, work func(unit string) error) error {
	failed := make([]error, len(units))
	var all sync.WaitGroup
	for i, unit := range units {
		all.Go(func() { failed[i] = work(unit) })
	}
	all.Wait()
	return errors.Join(failed...)
}

func (g *grunt) run(unit string) error {
	environ, err := g.ask(unit, g.environ, os.Stderr)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(unit, "terragrunt.hcl"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		needs, ok := strings.CutPrefix(line, "# dependency ")
		if !ok {
			continue
		}
		needs = filepath.Join(unit, strings.TrimSpace(needs))
		other, err := g.ask(needs, environ, os.Stderr)
		if err != nil {
			return err
		}
		if err := g.tell(unit+" reads "+needs, other); err != nil {
			return err
		}
	}
	return g.tell(unit, environ)
}

func (g *grunt) tell(what string, environ []string) error {
	account, err := accountIn(environ)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, what+" in "+account)
	return err
}

// ask runs the command in the folder of a unit and gives the unit's environment.
func (g *grunt) ask(unit string, environ []string, stderr io.Writer) ([]string, error) {
	if len(g.command) == 0 {
		return environ, nil
	}
	g.mu.Lock()
	g.asked++
	g.mu.Unlock()
	c := exec.Command(g.command[0], g.command[1:]...)
	var out, said bytes.Buffer
	c.Dir, c.Env, c.Stdin, c.Stdout, c.Stderr = unit, environ, os.Stdin, &out, io.MultiWriter(stderr, &said)
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", unit, err, out.String(), said.String())
	}
	set, err := answered(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", unit, err)
	}
	return slices.Concat(slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		_, again := set[name]
		return again
	}), pairs(set)), nil
}

func pairs(set map[string]string) []string {
	var out []string
	for name, value := range set {
		out = append(out, name+"="+value)
	}
	return out
}

var errAnswer = errors.New("the answer does not follow the schema")

// answered reads an answer as strictly as the schema is, and into the variables
// that Terragrunt sets.
func answered(text []byte) (map[string]string, error) {
	var a struct {
		Credentials *struct {
			ID     *string `json:"ACCESS_KEY_ID"`
			Secret *string `json:"SECRET_ACCESS_KEY"`
			Token  *string `json:"SESSION_TOKEN"`
		} `json:"awsCredentials"`
		Envs map[string]string `json:"envs"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || bytes.Contains(text, []byte("null")) {
		return nil, errAnswer
	}
	if c := a.Credentials; c == nil || c.ID == nil || c.Secret == nil || c.Token == nil || *c.ID == "" || *c.Secret == "" {
		return nil, errAnswer
	}
	set := map[string]string{}
	maps.Copy(set, a.Envs)
	set["AWS_ACCESS_KEY_ID"], set["AWS_SECRET_ACCESS_KEY"] = *a.Credentials.ID, *a.Credentials.Secret
	set["AWS_SESSION_TOKEN"], set["AWS_SECURITY_TOKEN"] = *a.Credentials.Token, *a.Credentials.Token
	return set, nil
}

// accountIn asks AWS whose credentials an environment has.
func accountIn(environ []string) (string, error) {
	value := func(name string) string {
		for _, e := range environ {
			if v, ok := strings.CutPrefix(e, name+"="); ok {
				return v
			}
		}
		return ""
	}
	session := cred.Session{ID: value("AWS_ACCESS_KEY_ID"), Secret: cred.NewSecret(value("AWS_SECRET_ACCESS_KEY")), Token: cred.NewSecret(value("AWS_SESSION_TOKEN"))}
	cfg := awsapi.Config{Region: "us-west-2", URL: value("AWS_ENDPOINT_URL_STS"), Clock: awsapi.NewClock(clock)}
	id, err := awsapi.New(cfg, session.Signer()).CallerIdentity(context.Background())
	return id.Account, err
}
