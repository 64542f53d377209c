package profile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// A config for SDKs is a second file, made from this one: the same profiles, in
// which one credential_process line stands in the place of all that says where
// credentials come from. Its first two lines say what it was made from, and
// whether a person has changed it.
const (
	madeFrom = "# Written by fob sdk-config from "
	sumMark  = "# Change that file, not this one. Sum of what follows: "
)

// ForSDKs is the text of such a file. line gives the command for a profile, or ""
// for one that keeps its other settings only. region is that of profiles which have
// none, "" for no region. A profile that cannot be read is left out. Errors are
// *Error.
func (s Set) ForSDKs(line func(Profile) string, region string) ([]byte, error) {
	if strings.ContainsAny(s.path, "\r\n") {
		return nil, &Error{File: s.display, Text: "the path of the file has two lines", Next: []string{"move it"}}
	}
	var body bytes.Buffer
	want := map[string][]Setting{}
	for _, name := range s.Names() {
		p, err := s.Profile(name)
		if err != nil || Unwritable(name) != "" {
			continue
		}
		kept := p.forClients()
		if command := line(p); command != "" {
			if flaw := writable("credential_process", command); flaw != "" {
				return nil, s.refuse(name, flaw)
			}
			kept = append([]Setting{{Key: "credential_process", Value: command}}, kept...)
			if region != "" && p.Value("region") == "" {
				kept = append(kept, Setting{Key: "region", Value: region})
			}
		}
		want[name] = kept
		body.WriteString(headerFor(name) + "\n")
		for _, set := range kept {
			body.WriteString(written(set))
		}
		body.WriteByte('\n')
	}
	for _, h := range s.heads() {
		if h.kind == services && h.flaw == "" {
			sec := read(s.text, h)
			body.Write(bytes.TrimSpace(s.text[h.start:max(sec.last, h.start)]))
			body.WriteString("\n\n")
		}
	}
	text := body.Bytes()
	if err := s.saysSo(text, want); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	head := madeFrom + s.path + "\n" + sumMark + hex.EncodeToString(sum[:]) + "\n"
	return append([]byte(head), text...), nil
}

// forClients are the settings that a client needs beside credentials. What fob
// and the incumbent alone know goes, and so does all that names an identity.
func (p Profile) forClients() []Setting {
	var out []Setting
	for _, h := range p.held {
		switch h.key {
		case "role_arn", "source_profile", "credential_source", "credential_process", "role_session_name", "external_id",
			"duration_seconds", "mfa_serial", "mfa_process", "session_tags", "transitive_session_tags", "source_identity",
			"include_profile", "parent_profile", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "login_session":
			continue
		}
		if strings.HasPrefix(h.key, "sso_") || strings.HasPrefix(h.key, "web_identity_") || strings.HasPrefix(h.key, "fob_") {
			continue
		}
		set, _ := p.Setting(h.key)
		out = append(out, set)
	}
	return out
}

// written is a setting as a file has it; a nested value has a line for each of its own.
func written(set Setting) string {
	if !strings.HasPrefix(set.Value, "\n") {
		return assignment(set.Key, set.Value) + "\n"
	}
	return set.Key + " =" + strings.ReplaceAll(set.Value, "\n", "\n  ") + "\n"
}

// saysSo makes sure that the text means what was wanted: a value may hold what
// reads as a comment.
func (s Set) saysSo(text []byte, want map[string][]Setting) error {
	made, err := Parse(s.display, text)
	if err != nil {
		return err
	}
	for _, name := range made.Names() {
		got, err := made.Section(name)
		if err != nil {
			return err
		}
		for _, set := range want[name] {
			if got.Value(set.Key) != set.Value {
				return s.refuse(name, "the value of "+set.Key+" cannot be copied")
			}
		}
	}
	return nil
}

// Origin is the file that this config for SDKs was made from, "" for any other
// file.
func (s Set) Origin() string {
	first, _, _ := strings.Cut(string(s.text[:min(len(s.text), maxName)]), "\n")
	path, ok := strings.CutPrefix(first, madeFrom)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(path, "\r")
}

// Edited says whether somebody has changed a config for SDKs since it was made.
func (s Set) Edited() bool {
	lines := bytes.SplitN(s.text, []byte("\n"), 3)
	if len(lines) < 3 {
		return true
	}
	sum := sha256.Sum256(lines[2])
	return !slices.Equal(bytes.TrimSpace(lines[1]), []byte(sumMark+hex.EncodeToString(sum[:])))
}
