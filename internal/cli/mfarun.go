package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"fob/internal/cli/pick"
	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/cache"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/devices"
	"fob/internal/obtain/keys"
	"fob/internal/obtain/tty"
)

// mfaRun is one run of a command that looks after MFA devices.
type mfaRun struct {
	*keeper
	plan   userPlan
	o      mfaOptions
	work   *devices.Work
	signed handout // once a call needed a session
}

// withDevices finds out whose key a profile uses, and does something with the
// user's devices.
func (s System) withDevices(ctx context.Context, g *globals, o mfaOptions, do func(*mfaRun) error) error {
	if err := s.checkCalls(); err != nil {
		return err
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if ok, err := k.exists(); err != nil || !ok {
		return absent(o.profile, err)
	}
	if !o.reads {
		release, err := k.holdDevices(ctx)
		if err != nil {
			return err
		}
		defer release()
	}
	withMFA := o.rotateOptions
	withMFA.noSession = false // the device is wanted all the same
	plan, err := k.planUser(ctx, withMFA)
	if err != nil {
		return err
	}
	if plan.Key != o.profile {
		s.say("profile %q uses the key of profile %q: its user is meant", o.profile, plan.Key)
	}
	key, err := k.Key(ctx, plan.Key)
	if err != nil {
		return err
	}
	k.close() // nobody waits for what is asked from here on
	defer k.warnClock()
	m := &mfaRun{keeper: k, plan: plan, o: o}
	who, err := awsapi.New(s.awsConfig(plan.STS), key.Signer()).CallerIdentity(ctx)
	if err != nil {
		return m.notKnown(err)
	}
	owner, ok := devices.OwnerOf(who)
	if !ok {
		return &fault.Error{What: "cannot manage the MFA devices of " + fault.Line(who.ARN), Why: errNoUser, Code: fault.Config}
	}
	m.work = &devices.Work{
		Profile: plan.Key, Owner: owner, Key: recordedDevices{awsapi.New(s.awsConfig(plan.iam), key.Signer()), k, plan.Key},
		Show: m.show, Spend: m.spend, Now: s.clock.AWSNow, Say: s.say,
	}
	if len(plan.Steps) > 0 {
		m.work.Serial = source.Device(plan.Steps[0]).Serial
	}
	if len(plan.Steps) > 0 && !o.noSession {
		m.work.Session = m.withSession
	}
	return do(m)
}

// holdDevices lets one run at a time change devices: a second one would take what
// the first is enrolling for what a cut-off run has left.
func (k *keeper) holdDevices(ctx context.Context) (release func(), err error) {
	return k.holdAlone(ctx, "mfa", fault.Error{
		What: "cannot look after MFA devices", Why: errors.New("is at it already"),
		Next: []string{"let it end, or end it, then run the command again"}, Code: fault.Failed,
	})
}

// notKnown says why AWS did not even say whose key it is.
func (m *mfaRun) notKnown(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: "cannot find out whose key profile " + profile.Shown(m.plan.Key) + " uses", Why: err, Code: fault.Failed, Next: []string{"check the network, then run the command again"}}
	if no := (*awsapi.Refusal)(nil); errors.As(err, &no) && no.Status < 500 {
		f.Code, f.Next = fault.Refused, []string{"store a key that works: fob add " + fault.Operand(m.plan.Key)}
	}
	return f
}

// withSession makes a call with an MFA session, a kept one where there is one.
func (m *mfaRun) withSession(ctx context.Context, call func(devices.IAM) error) (err error) {
	if m.signed.session.ID == "" {
		if m.signed, err = m.userSession(ctx, m.plan); err != nil {
			return err
		}
	}
	m.signed.session, err = m.using(ctx, m.signed, func(now cred.Session) error {
		return call(recordedDevices{awsapi.New(m.sys.awsConfig(m.plan.iam), now.Signer()), m.keeper, m.plan.Key})
	})
	return err
}

// spentFor is how long AWS could take a code of a pair: its own step and two on
// either side.
const spentFor = 150 * time.Second

func (m *mfaRun) spend(ctx context.Context, code string) (used bool, err error) {
	err = m.cache.Spend(ctx, m.sys.Now, code, spentFor)
	if errors.Is(err, cache.ErrSpent) {
		return true, nil
	}
	return false, storeFault(err)
}

// person opens the terminal, before anything is asked for at AWS.
func (s System) person(what string) (tty.TTY, error) {
	t, err := s.OpenTTY()
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return nil, &fault.Error{What: "cannot " + what + ": its codes are typed at a terminal", Why: f.Why, Next: f.Next, Code: fault.Attend}
	}
	return t, err
}

// agree asks what --yes has answered beforehand.
func (m *mfaRun) agree(ctx context.Context, question string) (bool, error) {
	if m.o.yes {
		return true, nil
	}
	t, err := m.sys.OpenTTY()
	if err != nil {
		return false, err
	}
	defer t.Close()
	return t.Confirm(ctx, question)
}

// show shows a secret on the terminal and nowhere else: as a QR code where that
// can be drawn, and as text for what cannot scan.
func (m *mfaRun) show(o devices.Owner, seed cred.Secret) {
	t := m.work.TTY
	uri := keyURI(o, seed)
	t.Say("Add this to an authenticator app: scan the code, or type the secret (time-based, six digits).")
	rows, err := pick.QRCode(uri)
	if err != nil || !m.sys.drawsBlocks() || !t.Draw(rows) {
		t.Say("No QR code can be drawn on this terminal. As text for an app or for qrencode:")
		t.Say(uri.Reveal())
	}
	t.Say("The secret, shown this once: " + seed.Reveal())
	t.Say("Then type two codes that the app shows one after the other.")
}

// keyURI is what authenticator apps read out of a QR code
// (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
func keyURI(o devices.Owner, seed cred.Secret) cred.Secret {
	label := strings.NewReplacer("+", "%2B", ",", "%2C", "=", "%3D").Replace(o.Name) + "@" + o.Account
	return cred.NewSecret("otpauth://totp/AWS:" + label + "?secret=" + seed.Reveal() + "&issuer=AWS")
}

// drawsBlocks says whether the terminal knows colours and block characters.
func (s System) drawsBlocks() bool {
	locale := s.lookup("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = s.lookup(name)
		}
	}
	_, charset, named := strings.Cut(strings.ToLower(locale), ".")
	if named && !strings.HasPrefix(charset, "utf") {
		return false
	}
	kind := s.lookup("TERM")
	return kind != "dumb" && (kind != "" || runtime.GOOS == "windows")
}

// configure writes the serial to the profile with the key, where it belongs.
func (m *mfaRun) configure(ctx context.Context, serial string) error {
	s, name := m.sys, m.plan.Key
	set, err := m.load()
	if err != nil {
		return err
	}
	if p, err := set.Profile(name); err == nil {
		if has, _ := p.Setting("mfa_serial"); has.Value == serial {
			s.say("profile %q names it already: %s", name, has.From)
			return nil
		}
	}
	by := fmt.Sprintf("mfa_serial = %s", serial)
	ok := false
	if !m.o.noConfig {
		if ok, err = m.agree(ctx, fmt.Sprintf("Write %s to profile %q in %s?", by, name, set.Display())); err != nil {
			s.say("the device is enrolled, and not in the config")
			return err
		}
	}
	if !ok {
		s.say("write it to profile %q yourself: %s", name, by)
		return nil
	}
	if set.Has(name) {
		err = keys.WriteSetting(set, name, "mfa_serial", serial)
	} else {
		_, err = keys.WriteProfile(set, name, serial)
	}
	if err != nil {
		return err
	}
	s.say("wrote %s to profile %q in %s", by, name, set.Display())
	if set, err = m.load(); err == nil {
		m.renewSDKConfig(set)
	}
	if at := m.naming(func(other string) bool { return other != serial }); len(at) > 0 {
		s.say("over the same key another device is named still: %s", firstOf(at))
	}
	return nil
}

// naming are the places where profiles over this key name a device that fits.
func (m *mfaRun) naming(fits func(serial string) bool) []string {
	set, err := m.load()
	if err != nil {
		return nil
	}
	var at []string
	seen := map[string]bool{}
	for _, name := range set.Names() {
		c, _, err := chain.User(set, source.Kinds(), m.hasKey, chain.Request{Profile: name, NoSession: true})
		if err != nil || c.Key != m.plan.Key {
			continue
		}
		p, _ := set.Profile(name)
		if has, _ := p.Setting("mfa_serial"); has.Value != "" && fits(has.Value) && !seen[has.From] {
			seen[has.From] = true
			at = append(at, has.From)
		}
	}
	return at
}

// firstOf lists the first few places.
func firstOf(at []string) string {
	const most = 5
	if more := len(at) - most; more > 0 {
		return strings.Join(at[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(at, ", ")
}

var errNoUser = errors.New("its key is not one of an IAM user: the root user enrols its devices in the console")
