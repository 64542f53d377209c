package internal_test

import (
	"go/ast"
	"testing"
)

// mayReveal lists the files that may read a secret's text, each with what it
// does with it. Each new line is a review.
var mayReveal = map[string]string{
	"internal/cli/ask.go":                             "shows a new passphrase that fob made, once, on the terminal; counts the characters of another one",
	"internal/cli/login.go":                           "prints the sign-in link, or writes it for the browser",
	"internal/cli/makestore.go":                       "shows a new recovery code, once, on the terminal",
	"internal/cli/mfarun.go":                          "shows the secret of a new MFA device, once, on the terminal",
	"internal/cli/pick/pick.go":                       "draws it as a QR code for the terminal",
	"internal/cli/playground.go":                      "prints the keys of the local AWS",
	"internal/decide/source/answer.go":                "looks whether an answer's credentials hold control characters",
	"internal/deliver/console/console.go":             "sends the session to the sign-in endpoint",
	"internal/deliver/console/logout.go":              "puts the sign-in link into a link that signs out first",
	"internal/deliver/export/export.go":               "writes the session as text",
	"internal/deliver/launch/environ.go":              "puts the session into the child's environment",
	"internal/deliver/serve/answer.go":                "writes the session as SDKs read it from an endpoint, once for all requests; hashes the tokens that it takes",
	"internal/deliver/serve/token.go":                 "writes a token's file for the clients of an endpoint",
	"internal/deliver/serve/metadata.go":              "gives an IMDS token to the client that asks for one",
	"internal/keep/audit/seal.go":                     "makes the key of the record out of the identity",
	"internal/keep/cache/encode.go":                   "encodes a session, and the key of the record in the index, before they are sealed",
	"internal/keep/cache/seal.go":                     "makes the sealing key and the key of names out of the seal key",
	"internal/keep/desktop/secrets.go":                "encrypts what the desktop is to keep, for the way over the bus",
	"internal/keep/sealkey/derive.go":                 "makes the seal key out of the identity",
	"internal/keep/sealkey/record.go":                 "encodes what rests in a keyring or a file",
	"internal/keep/unlock/items.go":                   "gives the key of a slot to the system's own store",
	"internal/keep/unlock/keyed.go":                   "encrypts the identity to a key, and reads the key that a keeper outside has",
	"internal/keep/unlock/plugin.go":                  "encrypts the identity by a plugin",
	"internal/keep/unlock/plugintalk.go":              "gives a plugin the PIN that it asked for, and keeps it out of errors",
	"internal/keep/unlock/keyctl.go":                  "puts the key of a slot into the kernel's keyring",
	"internal/keep/unlock/pass.go":                    "gives the key of a slot to pass, on its standard input",
	"internal/keep/unlock/slot.go":                    "wraps the identity with the answer",
	"internal/keep/store/encode.go":                   "encodes the vault before it is encrypted",
	"internal/keep/store/journal.go":                  "encodes the keys of a rotation before the vault is encrypted",
	"internal/obtain/awsapi/awsapi.go":                "signs calls",
	"internal/obtain/awsapi/sts.go":                   "sends a web identity token",
	"internal/obtain/devices/codes.go":                "reads the codes that were typed",
	"internal/obtain/devices/totp.go":                 "computes the codes of a new device, to look at what is typed",
	"internal/obtain/keys/keys.go":                    "looks whether a typed key can be one",
	"internal/obtain/mfa/given.go":                    "passes on a code that was given by a flag",
	"internal/obtain/mfa/terminal.go":                 "passes on the code that was typed",
	"internal/obtain/takeover/file.go":                "opens aws-vault's files with their passphrase",
	"internal/obtain/takeover/secretservice_linux.go": "reads aws-vault's key out of an item",
	"internal/playground/totp.go":                     "computes the codes of the local AWS",
}

// TestReveal keeps the places few where a secret is text.
func TestReveal(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a secret gets out where its text is read, so these files are the ones to review. "+
		"Pass the cred.Secret on and let a file on the list read it, or add the file to mayReveal (internal/arch_secrets_test.go) with what it does with the text. See CONTRIBUTING.md, \"Secrets\".")
	seen := map[string]bool{}
	for _, s := range sources(t, false) {
		if s.dir == "internal/cred" {
			continue
		}
		for _, n := range selections(s, "Reveal") {
			seen[s.path] = true
			if mayReveal[s.path] == "" {
				r.at(n, "reads the text of a secret and is not on the list")
			}
		}
	}
	for f := range mayReveal {
		if !seen[f] {
			r.add(f + ": is on the list of TestReveal and reads no secret; take it off")
		}
	}
}

// TestExpose counts who turns a long-term key into something deliverable.
func TestExpose(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a long-term key leaves fob in one case only: --no-session with no role in the chain. "+
		"One caller of AccessKey.Expose is what keeps that sentence true; cred.Signer is there for signing. See CONTRIBUTING.md, \"Secrets\".")
	var callers []ast.Node
	for _, s := range sources(t, false) {
		callers = append(callers, selections(s, "Expose")...)
	}
	if len(callers) == 1 {
		return
	}
	if len(callers) == 0 {
		r.add("nobody calls Expose: --no-session cannot work")
	}
	for _, n := range callers {
		r.at(n, "calls Expose")
	}
}

// selections gives every x.name in a file, called or not: a method value opens
// the same door.
func selections(s source, name string) []ast.Node {
	var found []ast.Node
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
			found = append(found, sel)
		}
		return true
	})
	return found
}
