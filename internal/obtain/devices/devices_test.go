package devices

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"

	"github.com/google/go-cmp/cmp"
)

const (
	own   = "arn:aws:iam::123456789012:mfa/ann"
	phone = "arn:aws:iam::123456789012:mfa/phone"
	fido  = "arn:aws:iam::123456789012:u2f/user/ann/key-ABCDEF"
	card  = "GAHT12345678"
)

// world is AWS and the person, each as far as devices concern them.
type world struct {
	have   []string // serials of ann's devices
	loose  string   // a device that nobody has
	theirs bool     // and that is another user's after all
	// no are refusals by "signer Op"; each is given once, "*" always.
	no    map[string]string
	calls []string
	// types are the answers: digits as they are, +N and -N the code of the secret
	// so many steps from now, "wait" two minutes that pass before the answer.
	types  []string
	screen strings.Builder
	seed   cred.Secret
	now    time.Time
	spent  map[string]bool
	cancel context.CancelFunc
}

type iam struct {
	*world
	signer string
}

func (i iam) do(op, detail string) error {
	i.calls = append(i.calls, strings.TrimSpace(i.signer+" "+op+" "+detail))
	code := i.no[i.signer+" "+op]
	delete(i.no, i.signer+" "+op)
	if code == "" {
		code = i.no[i.signer+" "+op+"*"]
	}
	switch code {
	case "":
		return nil
	case "lost":
		return &awsapi.UnreachableError{Op: op, Host: "iam", Err: errors.New("reset")}
	}
	code, text, _ := strings.Cut(code, " ")
	return &awsapi.Refusal{Op: op, Code: code, Message: text, Status: 403}
}

func (i iam) MFADevices(_ context.Context, user string) ([]awsapi.MFADevice, error) {
	var all []awsapi.MFADevice
	for _, serial := range i.have {
		all = append(all, awsapi.MFADevice{Serial: serial, Enabled: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)})
	}
	return all, i.do("List", user)
}

func (i iam) CreateVirtualMFADevice(_ context.Context, name string) (awsapi.NewMFADevice, error) {
	err := i.do("CreateVirtualMFADevice", name)
	if err == nil && i.loose != "" {
		err = &awsapi.Refusal{Op: "CreateVirtualMFADevice", Code: "EntityAlreadyExists", Status: 409}
	}
	if r := (*awsapi.Refusal)(nil); errors.As(err, &r) {
		return awsapi.NewMFADevice{}, err
	}
	i.loose = own
	return awsapi.NewMFADevice{Serial: own, Seed: cred.NewSecret("CANARYA2B3C4D5E6")}, err
}

func (i iam) EnableMFADevice(_ context.Context, p awsapi.CodePair) error {
	err := i.do("Enable", p.User)
	if r := (*awsapi.Refusal)(nil); !errors.As(err, &r) {
		i.have, i.loose = append(i.have, p.Serial), ""
	}
	return err
}

func (i iam) ResyncMFADevice(_ context.Context, p awsapi.CodePair) error {
	return i.do("Resync", p.Serial+" "+p.First+" "+p.Second)
}

func (i iam) DeactivateMFADevice(_ context.Context, user, serial string) error {
	return i.do("DeactivateMFADevice", serial)
}

func (i iam) DeleteVirtualMFADevice(ctx context.Context, serial string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if i.theirs {
		return &awsapi.Refusal{Op: "DeleteVirtualMFADevice", Code: "DeleteConflict", Status: 409}
	}
	err := i.do("Delete", serial)
	if err == nil {
		i.loose = ""
	}
	return err
}

func (w *world) ReadHidden(ctx context.Context, prompt string) (cred.Secret, error) {
	w.screen.WriteString(prompt + "|\n")
	if len(w.types) == 0 {
		w.cancel()
		return cred.Secret{}, context.Canceled
	}
	text := w.types[0]
	w.types = w.types[1:]
	if text == "wait" {
		w.now = w.now.Add(2 * time.Minute)
		text, w.types = w.types[0], w.types[1:]
	}
	if n, err := strconv.Atoi(text); err == nil && (text[0] == '+' || text[0] == '-') {
		text = codeAt(w.seed, stepAt(w.now)+int64(n))
	}
	return cred.NewSecret(text), ctx.Err()
}
func (w *world) ReadLine(context.Context, string) (string, error) { panic("a code must not be shown") }
func (w *world) Confirm(context.Context, string) (bool, error)    { panic("agree asks") }
func (w *world) Say(text string)                                  { w.screen.WriteString(text + "\n") }
func (w *world) Draw([]string) bool                               { return true }
func (w *world) Close() error                                     { return nil }

// work joins the world to what is tested; config is the device that it names.
func (w *world) work(ctx context.Context, config string) (*Work, context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.spent = map[string]bool{}
	w.now = time.Date(2026, 5, 6, 7, 8, 13, 0, time.UTC)
	owner, _ := OwnerOf(awsapi.Identity{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/ann"})
	out := &Work{
		Profile: "security", Serial: config, Owner: owner, Key: iam{w, "key"}, TTY: w,
		Show: func(_ Owner, seed cred.Secret) { w.seed = seed },
		Spend: func(_ context.Context, code string) (bool, error) {
			used := w.spent[code]
			w.spent[code] = true
			return used, nil
		},
		Now: func() time.Time { return w.now },
		Say: func(format string, args ...any) { w.screen.WriteString(fmt.Sprintf(format, args...) + "\n") },
	}
	if config != "" {
		out.Session = func(_ context.Context, call func(IAM) error) error { return call(iam{w, "session"}) }
	}
	return out, ctx
}

func told(err error) string {
	var b strings.Builder
	if err == nil {
		return ""
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	fault.Render(&b, strconv.Itoa(int(fault.CodeOf(err))), err)
	return b.String()
}

func yes(context.Context, string) (bool, error) { return true, nil }
func no(context.Context, string) (bool, error)  { return false, nil }

const created = "key List ann|key CreateVirtualMFADevice ann"

func TestEnrol(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		world  world
		config string
		agree  Agree
		calls  string // joined by |
		err    string // each line stands in what is told
		screen string // each line stands on the screen
		left   string // a device that AWS keeps and nobody has
	}{
		{name: "the first one", world: world{types: []string{"+0", "+1"}}, calls: created + "|key Enable ann",
			screen: "MFA code 1 of 2 for " + own + ": |\nThe next code comes in 17 s.\nMFA code 2 of 2 for " + own + ": |"},
		{name: "the config names it already, and it is not there yet", config: own, world: world{types: []string{"-1", "+0"}}, calls: created + "|key Enable ann"},
		{name: "the phone is a minute ahead", world: world{types: []string{"+1", "+2"}}, calls: created + "|key Enable ann"},
		{name: "the phone is ten minutes behind", world: world{types: []string{"-20"}}, calls: created + "|key Delete " + own, err: "interrupted",
			screen: "the clock of the device is about 10m0s behind AWS's: set it\ndeleted the device " + own + " again"},
		{name: "a code of another entry", world: world{types: []string{"000000"}}, calls: created + "|key Delete " + own, err: "interrupted", screen: "that is no code of the secret above"},
		{name: "the same twice, then one too far, then none between", world: world{types: []string{"-1", "-1", "+1", "+2"}}, calls: created + "|key Enable ann",
			screen: "the same code again. The next one comes in 17 s\nthese two do not follow each other"},
		{name: "backwards", world: world{types: []string{"+1", "+0", "+1"}}, calls: created + "|key Enable ann", screen: "these two do not follow each other"},
		{name: "the passphrase at the wrong question", world: world{types: []string{"CANARY words"}}, calls: created + "|key Delete " + own, err: "interrupted", screen: "six digits and nothing else"},
		{name: "AWS takes the second pair", world: world{types: []string{"-1", "+0", "+1", "+2"}, no: map[string]string{"key Enable": "InvalidAuthenticationCode"}}, calls: created + "|key Enable ann|key Enable ann", screen: "AWS did not take these codes"},
		{name: "AWS takes none", world: world{types: []string{"-2", "-1", "-2", "-1", "+0", "+1", "+2"}, no: map[string]string{"key Enable*": "InvalidAuthenticationCode"}},
			calls: created + "|key Enable ann|key Enable ann|key Delete " + own, err: "interrupted", screen: "one of these codes was used already\ndeleted the device"},
		{name: "it is there", config: own, world: world{have: []string{own}}, calls: "key List ann", err: "1: cannot enrol an MFA device for user ann of account 123456789012\nbecause: it has one of its name since 2026-01-02: " + own + "\ntry: a new phone"},
		{name: "it is there, and not in the config", world: world{have: []string{own}}, calls: "key List ann", err: "try: use it: mfa_serial = " + own + " in profile security"},
		{name: "another one is there", world: world{have: []string{phone}, types: []string{"+0", "+1"}}, calls: created + "|key Enable ann", screen: "has another MFA device already, which stays: " + phone},
		{name: "one is left over", world: world{loose: own, types: []string{"+0", "+1"}}, calls: created + "|key Delete " + own + "|key CreateVirtualMFADevice ann|key Enable ann", screen: "deleted the device " + own + ", which nobody had"},
		{name: "one is left over and stays", agree: no, world: world{loose: own}, calls: created, err: "1: nothing was enrolled\nthe device " + own + " stands in the way\nfob mfa enrol --yes security", left: own},
		{name: "another user has it", world: world{loose: own, theirs: true}, calls: created, err: "5: cannot enrol\nanother user has the device of that name", left: own},
		{name: "the secret is lost", world: world{no: map[string]string{"key CreateVirtualMFADevice": "lost"}}, calls: created, err: "1: cannot enrol\nalso finds what this run may have left", left: own},
		{name: "the last answer is lost", world: world{types: []string{"+0", "+1"}, no: map[string]string{"key Enable": "lost"}}, calls: created + "|key Enable ann|key List ann"},
		{name: "no right", world: world{no: map[string]string{"key CreateVirtualMFADevice": "AccessDenied not authorized on " + own}}, calls: created, err: "5: cannot enrol\nAccessDenied\ntry: get into a group whose policy lets users manage"},
		{name: "not without MFA", config: phone, world: world{have: []string{phone}, types: []string{"+0", "+1"}, no: map[string]string{"key CreateVirtualMFADevice": "AccessDenied with an explicit deny"}},
			calls: created + "|session CreateVirtualMFADevice ann|session Enable ann"},
		{name: "eight are there", world: world{types: []string{"+0", "+1"}, no: map[string]string{"key Enable": "LimitExceeded"}}, calls: created + "|key Enable ann|key Delete " + own, err: "5: cannot enrol\nremove one that is not used"},
		{name: "what it made cannot be taken back", world: world{types: []string{"000000"}, no: map[string]string{"key Delete": "AccessDenied"}}, calls: created + "|key Delete " + own, err: "interrupted", screen: "AWS keeps the device " + own + ", which is of no use", left: own},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, ctx := tt.world.work(t.Context(), tt.config)
			agree := tt.agree
			if agree == nil {
				agree = yes
			}
			serial, err := w.Enrol(ctx, agree)
			if (err == nil) != (serial == own) {
				t.Errorf("serial %q, error %v", serial, err)
			}
			check(t, &tt.world, tt.calls, told(err), tt.err, tt.screen)
			if tt.world.loose != tt.left {
				t.Errorf("AWS keeps %q, want %q", tt.world.loose, tt.left)
			}
		})
	}
}

// check compares the calls, and looks for each line of err and screen.
func check(t *testing.T, w *world, calls, got, err, screen string) {
	t.Helper()
	if diff := cmp.Diff(calls, strings.Join(w.calls, "|")); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for text, lines := range map[string]string{got: err, w.screen.String(): screen} {
		for line := range strings.SplitSeq(lines, "\n") {
			if !strings.Contains(text, line) || lines == "" && text == got && got != "" {
				t.Errorf("told %q, want %q", text, line)
			}
		}
		if strings.Contains(text, "CANARY") {
			t.Errorf("shows a secret: %s", text)
		}
	}
}

func TestResync(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, named, config, calls, err, screen string
		world                                   world
	}{
		{name: "the only one", world: world{have: []string{card, fido}, types: []string{"111111", "222222"}}, calls: "key List ann|key Resync " + card + " 111111 222222"},
		{name: "that of the config", config: phone, world: world{have: []string{own, phone}, types: []string{"111111", "222222"}}, calls: "key List ann|key Resync " + phone + " 111111 222222"},
		{name: "that is named", named: own, config: phone, world: world{have: []string{own, phone}, types: []string{"111111", "222222"}}, calls: "key List ann|key Resync " + own + " 111111 222222"},
		{name: "nobody says which", world: world{have: []string{own, phone}}, calls: "key List ann", err: "2: cannot resync an MFA device\nhas several, and the config names none of them\n" + own + "\n" + phone + "\ntry: name the one: --serial SERIAL"},
		{name: "not the user's", named: "x", world: world{have: []string{own}}, calls: "key List ann", err: "2: cannot resync\nhas no device \"x\"\n" + own},
		{name: "a security key alone", world: world{have: []string{fido}}, calls: "key List ann", err: "1: cannot resync\nhas none that shows codes\nfob mfa enrol security"},
		{name: "too far apart", world: world{have: []string{own}, types: []string{"111111", "wait", "333333", "444444"}}, calls: "key List ann|key Resync " + own + " 333333 444444", screen: "too much time has passed between the two"},
		{name: "AWS takes none", world: world{have: []string{own}, types: strings.Fields("111111 111112 111113 111114 111115 111116"), no: map[string]string{"key Resync*": "InvalidAuthenticationCode"}},
			calls: "key List ann|key Resync " + own + " 111111 111112|key Resync " + own + " 111113 111114|key Resync " + own + " 111115 111116", err: "5: cannot resync " + own + "\nset the clock of the phone"},
		{name: "nothing but mistakes", world: world{have: []string{own}, types: strings.Fields("1 2 3 4 5 6 7 8 9 10")}, calls: "key List ann", err: "4: cannot get two codes of " + own},
		{name: "of another name", world: world{have: []string{phone}, types: []string{"111111", "222222"}, no: map[string]string{"key Resync": "AccessDenied not authorized on " + phone}}, calls: "key List ann|key Resync " + phone + " 111111 222222",
			err: "5: cannot resync\nthe device is not named like the user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, ctx := tt.world.work(t.Context(), tt.config)
			_, err := w.Resync(ctx, tt.named)
			check(t, &tt.world, tt.calls, told(err), tt.err, tt.screen)
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, named, config, calls, err, screen string
		world                                   world
		agree                                   Agree
	}{
		{name: "by a session", config: own, world: world{have: []string{own}}, calls: "key List ann|session DeactivateMFADevice " + own + "|key Delete " + own},
		{name: "by the key", world: world{have: []string{own}}, calls: "key List ann|key DeactivateMFADevice " + own + "|key Delete " + own},
		{name: "the config's device is gone", config: phone, world: world{have: []string{own}}, calls: "key List ann|key DeactivateMFADevice " + own + "|key Delete " + own},
		{name: "deleting wants MFA too", config: own, world: world{have: []string{own}, no: map[string]string{"key Delete": "AccessDenied"}}, calls: "key List ann|session DeactivateMFADevice " + own + "|key Delete " + own + "|session Delete " + own},
		{name: "a thing is taken away and not deleted", world: world{have: []string{card}}, calls: "key List ann|key DeactivateMFADevice " + card},
		{name: "no", agree: no, world: world{have: []string{own}}, calls: "key List ann", err: "1: nothing was removed"},
		{name: "none", world: world{}, calls: "key List ann", err: "1: cannot remove an MFA device\nfob mfa enrol security"},
		{name: "without MFA", world: world{have: []string{own}, no: map[string]string{"key DeactivateMFADevice": "AccessDenied no policy allows it"}}, calls: "key List ann|key DeactivateMFADevice " + own, err: "5: cannot remove " + own + "\nif the policies want MFA for this: name a device that works as mfa_serial in profile security"},
		{name: "it stays at AWS", world: world{have: []string{own}, no: map[string]string{"key Delete": "AccessDenied"}}, calls: "key List ann|key DeactivateMFADevice " + own + "|key Delete " + own, screen: "could not be deleted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, ctx := tt.world.work(t.Context(), tt.config)
			agree := tt.agree
			if agree == nil {
				agree = yes
			}
			_, err := w.Remove(ctx, tt.named, agree)
			check(t, &tt.world, tt.calls, told(err), tt.err, tt.screen)
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	f := world{have: []string{own, phone, card, fido}, no: map[string]string{"key List": "AccessDenied"}}
	w, ctx := f.work(t.Context(), phone)
	got, err := w.List(ctx)
	want := []Device{{own, "ann", Virtual, since, true}, {phone, "phone", Virtual, since, false}, {card, "", Hardware, since, false}, {fido, "", SecurityKey, since, false}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	check(t, &f, "key List ann|session List ann", "", "", "")
}

func TestOwnerOf(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, arn := range []string{"arn:aws:iam::1:user/ann", "arn:aws-us-gov:iam::1:user/team/eu/ann@acme.com", "arn:aws:iam::1:root", "arn:aws:sts::1:assumed-role/r/s", ""} {
		o, ok := OwnerOf(awsapi.Identity{Account: "1", ARN: arn})
		got[arn] = fmt.Sprint(ok, " ", o.Path, " ", o.Serial())
	}
	want := map[string]string{
		"arn:aws:iam::1:user/ann":                         "true / arn:aws:iam::1:mfa/ann",
		"arn:aws-us-gov:iam::1:user/team/eu/ann@acme.com": "true /team/eu/ arn:aws-us-gov:iam::1:mfa/ann@acme.com",
		"arn:aws:iam::1:root":                             "false  arn::iam:::mfa/",
		"arn:aws:sts::1:assumed-role/r/s":                 "false  arn::iam:::mfa/",
		"":                                                "false  arn::iam:::mfa/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A user with a path is told why a policy that looks right does not mean it.
func TestPathIsTold(t *testing.T) {
	t.Parallel()
	f := world{no: map[string]string{"key CreateVirtualMFADevice": "AccessDenied not authorized on " + own}}
	w, ctx := f.work(t.Context(), "")
	w.Owner.Path = "/team/"
	_, err := w.Enrol(ctx, yes)
	check(t, &f, created, told(err), "it must be user/team/${aws:username}", "")
}

// RFC 6238, appendix B: the last six digits of the SHA-1 rows.
func TestCodeAt(t *testing.T) {
	t.Parallel()
	seed := cred.NewSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	got := map[int64]string{}
	want := map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"}
	for at := range want {
		got[at] = codeAt(seed, stepAt(time.Unix(at, 0)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if code := codeAt(cred.NewSecret("CANARY 1"), 1); code != "" {
		t.Errorf("no base32 gives %q", code)
	}
}
