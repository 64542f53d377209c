package unlock

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	ageplugin "filippo.io/age/plugin"
	"filippo.io/age/tag"
)

// pluginIdentity is what a plugin needs to know its key by. Comparable.
type pluginIdentity struct {
	name      string // of the plugin
	text      string // AGE-PLUGIN-NAME-1...
	recipient string // what to encrypt to; empty: the identity
}

// identityMark begins an identity of a plugin, recipientMark the line of the
// kept file with its recipient; the stock age program skips that.
const (
	identityMark  = "AGE-PLUGIN-"
	recipientMark = "# recipient: "
)

// maxIdentityFile is more than a person's file of identities has.
const maxIdentityFile = 64 << 10

// importIdentity reads the one identity of a file that a plugin has made. Some
// plugins (age-plugin-tpm) do not encrypt to an identity, so the recipient is
// taken from the comment in which they note it. A wrong one does no harm: Save
// opens the new slot before it trusts it.
func importIdentity(path string) (pluginIdentity, error) {
	none := pluginIdentity{}
	info, err := os.Stat(path)
	if err != nil {
		return none, fmt.Errorf("reading the plugin's identity: %w", err)
	}
	if !info.Mode().IsRegular() { // a FIFO could hang us
		return none, fmt.Errorf("reading the plugin's identity: %q is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("reading the plugin's identity: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxIdentityFile+1))
	if err != nil {
		return none, fmt.Errorf("reading the plugin's identity: %w", err)
	}
	if len(text) > maxIdentityFile {
		return none, fmt.Errorf("reading the plugin's identity: %q is too large to be one", path)
	}
	id, err := oneIdentity(string(text))
	if err != nil {
		return none, fmt.Errorf("reading the plugin's identity: %q %w", path, err)
	}
	return id, nil
}

// oneIdentity finds the one identity in a text, and its recipient where exactly
// one stands in the comments. Errors quote nothing.
func oneIdentity(text string) (pluginIdentity, error) {
	var ids []pluginIdentity
	var notes []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "#"):
			notes = append(notes, strings.Fields(line)...)
		case strings.HasPrefix(line, identityMark):
			id, err := parseIdentity(line)
			if err != nil {
				return pluginIdentity{}, err
			}
			ids = append(ids, id)
		default:
			return pluginIdentity{}, errors.New("has a line that is no identity of a plugin")
		}
	}
	if len(ids) != 1 {
		return pluginIdentity{}, fmt.Errorf("holds %d identities of plugins, and one is wanted", len(ids))
	}
	found := map[string]bool{}
	for _, word := range notes {
		if isRecipientFor(word, ids[0].name) {
			found[word] = true
			ids[0].recipient = word
		}
	}
	if len(found) > 1 {
		ids[0].recipient = ""
	}
	return ids[0], nil
}

// parseIdentity reads one identity. Its name is the only part that fob uses.
func parseIdentity(line string) (pluginIdentity, error) {
	name, _, err := ageplugin.ParseIdentity(line)
	if err != nil {
		return pluginIdentity{}, errors.New("holds an identity that is damaged, or of no plugin")
	}
	if !isPluginName(name) {
		return pluginIdentity{}, errors.New("holds an identity whose plugin has no name of letters, digits and hyphens")
	}
	return pluginIdentity{name: name, text: line}, nil
}

// isRecipientFor says whether a word is a recipient that the plugin can open:
// one of its own, or one of the kinds that age makes for every device.
func isRecipientFor(word, plugin string) bool {
	if native(word) != nil {
		return true
	}
	name, _, err := ageplugin.ParseRecipient(word)
	return err == nil && name == plugin
}

// native gives a recipient for devices that needs no plugin (age1tag1...), or nil.
func native(recipient string) age.Recipient {
	r, err := tag.ParseRecipient(recipient)
	if err != nil {
		return nil
	}
	return r
}

// renderIdentities is the kept file, which parseIdentities reads back.
func renderIdentities(ids []pluginIdentity) string {
	var b strings.Builder
	for _, id := range ids {
		if id.recipient != "" {
			b.WriteString(recipientMark + id.recipient + "\n")
		}
		b.WriteString(id.text + "\n")
	}
	return b.String()
}

// parseIdentities reads the kept file. Every other text than one that was
// written by renderIdentities is damaged, and is not guessed at.
func parseIdentities(text string) ([]pluginIdentity, error) {
	var ids []pluginIdentity
	recipient := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if note, ok := strings.CutPrefix(line, recipientMark); ok {
			recipient = note
			continue
		}
		id, err := parseIdentity(line)
		if err != nil {
			return nil, err
		}
		if recipient != "" && !isRecipientFor(recipient, id.name) {
			return nil, errors.New("holds a recipient that is damaged, or not the plugin's")
		}
		id.recipient, recipient = recipient, ""
		ids = append(ids, id)
	}
	if len(ids) < 1 || len(ids) > 2 || renderIdentities(ids) != text {
		return nil, errors.New("is damaged")
	}
	return ids, nil
}

// sealType is the type of the stanza that fob adds to a slot: the hash of the
// plugin's stanza and the identity. It tells a damaged slot from one that the
// plugin refuses, before anybody touches a key, and which of two identities the
// slot is for. Plugins and age skip it, as they skip every stanza they do not know.
const sealType = "fob-plugin"

func sealOf(s *age.Stanza, id pluginIdentity) (string, error) {
	text, err := encodeStanza(s)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(sealType + "\n" + id.text + "\n" + string(text)))
	return base64.RawStdEncoding.EncodeToString(sum[:]), nil
}

// sealedFor gives the plugin's stanza of a slot if it is whole and for this
// identity.
func sealedFor(stanzas []*age.Stanza, id pluginIdentity) (*age.Stanza, bool) {
	if len(stanzas) != 2 || stanzas[1].Type != sealType || len(stanzas[1].Args) != 1 || len(stanzas[1].Body) != 0 {
		return nil, false
	}
	want, err := sealOf(stanzas[0], id)
	return stanzas[0], err == nil && stanzas[1].Args[0] == want
}

// pluginSealer lets a plugin make the stanza of a slot. It lives for one call,
// and so may hold the context that age does not pass on. err is why it did not.
type pluginSealer struct {
	ctx    context.Context
	client client
	id     pluginIdentity
	err    error
}

func (r *pluginSealer) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	s, err := r.wrap(fileKey)
	if err != nil {
		r.err = err
		return nil, err
	}
	seal, err := sealOf(s, r.id)
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{s, {Type: sealType, Args: []string{seal}}}, nil
}

func (r *pluginSealer) wrap(fileKey []byte) (*age.Stanza, error) {
	if device := native(r.id.recipient); device != nil {
		made, err := device.Wrap(fileKey)
		if err != nil || len(made) != 1 {
			return nil, errors.Join(errors.New("the recipient of the plugin cannot be used"), err)
		}
		return made[0], nil
	}
	to := &age.Stanza{Type: "add-identity", Args: []string{r.id.text}}
	if r.id.recipient != "" {
		to = &age.Stanza{Type: "add-recipient", Args: []string{r.id.recipient}}
	}
	return r.client.wrap(r.ctx, fileKey, to)
}

// pluginOpener lets a plugin open a slot, for one call. err is why it did not.
type pluginOpener struct {
	ctx    context.Context
	client client
	id     pluginIdentity
	err    error
}

func (o *pluginOpener) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	s, ok := sealedFor(stanzas, o.id)
	if !ok {
		return nil, age.ErrIncorrectIdentity
	}
	key, err := o.client.unwrap(o.ctx, o.id.text, s)
	if refused := (*refusalError)(nil); errors.As(err, &refused) || errors.Is(err, errNothing) {
		err = fmt.Errorf("%w (if this slot belongs to another device, it opens there only)", err)
	}
	o.err = err
	return key, err
}

// slotStanzas gives the stanzas in the header of a slot.
func slotStanzas(file []byte) ([]*age.Stanza, error) {
	reader := &headerReader{}
	_, err := age.Decrypt(strings.NewReader(string(file)), reader)
	if reader.stanzas == nil {
		return nil, err
	}
	return reader.stanzas, nil
}

// headerReader is an identity that looks and opens nothing.
type headerReader struct{ stanzas []*age.Stanza }

func (r *headerReader) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	r.stanzas = stanzas
	return nil, age.ErrIncorrectIdentity
}
