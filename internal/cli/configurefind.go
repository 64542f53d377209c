package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"
)

// readAccounts reads the accounts file: the one that is named, - for standard
// input, else the nearest one here or above.
func (s System) readAccounts(ctx context.Context, named string) (refarch.Accounts, error) {
	shown, text, err := s.accountsText(ctx, named)
	if err != nil {
		return refarch.Accounts{}, err
	}
	accounts, err := refarch.ParseAccounts(shown, text)
	if err != nil {
		return accounts, configureFault(err)
	}
	s.sayInactive(accounts)
	return accounts, nil
}

// accountsText is the text with the name by which messages know it. Nobody has
// chosen a file that is merely found, so it must be one that nobody else can write.
func (s System) accountsText(ctx context.Context, named string) (shown string, text []byte, err error) {
	switch named {
	case "":
		found, err := front.FindAccounts(s.Getwd, s.UID)
		switch {
		case err != nil:
			return "", nil, &fault.Error{What: "cannot read the accounts file that was found", Why: err, Next: []string{"name it, if you trust what it says: fob configure FILE"}, Code: fault.Config}
		case found.Path == "":
			return "", nil, &fault.Error{What: "cannot find an accounts file", Why: errors.New("there is no accounts.json, accounts.yml or accounts.yaml here or in a folder above"), Next: []string{"name it: fob configure FILE", "or have AWS list them: fob configure --organization ID, with the id of the account that manages the organization"}, Code: fault.Usage}
		}
		return fault.Line(found.Path), found.Text, nil
	case "-":
		shown = "standard input"
		text, err = waitFor(ctx, func() ([]byte, error) { return upTo(s.Stdin) })
	default:
		shown = fault.Line(named)
		text, err = waitFor(ctx, func() ([]byte, error) {
			f, err := os.Open(named)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return upTo(f)
		})
	}
	if err != nil && ctx.Err() == nil {
		err = &fault.Error{What: "cannot read the accounts file", Why: err, Next: []string{"name another one: fob configure FILE"}, Code: fault.Usage}
	}
	return shown, text, err
}

func upTo(from io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(from, refarch.LargestFile+1))
}

// waitFor lets a signal end the wait for what a terminal or a pipe may never give.
func waitFor(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type got struct {
		text []byte
		err  error
	}
	done := make(chan got, 1)
	go func() {
		text, err := read()
		done <- got{text, err}
	}()
	select {
	case g := <-done:
		return g.text, g.err
	case <-ctx.Done():
		return nil, context.Canceled
	}
}

func (s System) sayInactive(a refarch.Accounts) {
	for _, name := range a.Skipped {
		s.say("left out account %s: it is not active", profile.Shown(name))
	}
}

// finder finds out what the accounts file does not say.
type finder struct {
	*keeper
	set      profile.Set
	accounts refarch.Accounts
	o        configureOptions
	given    bool            // the person has named their device
	holds    refarch.Account // the account of the IAM users, zero where it is not in the file
}

// wantedProfiles joins the accounts with the person: their device and their
// roles.
func (k *keeper) wantedProfiles(ctx context.Context, set profile.Set, a refarch.Accounts, o configureOptions) (refarch.Wanted, error) {
	f := finder{keeper: k, set: set, accounts: a, o: o, given: o.serial != "" || o.user != ""}
	w := refarch.Wanted{Region: o.region, Prune: o.prune, Guard: o.guard}
	var err error
	if w.Serial, err = f.holder(ctx); err != nil {
		return w, err
	}
	w.Source = f.o.source
	switch {
	case !o.byRights():
		w.Grants = refarch.Every(a, f.holds.Name, o.naming(), o.roles)
		err = f.proved(ctx, w)
	default:
		if err = f.proved(ctx, w); err == nil { // before a code of another device is asked for
			w.Grants, err = f.grants(ctx, w)
		}
	}
	if !o.management {
		w.Grants = f.withoutManagement(w.Grants)
	}
	return w, err
}

// holder finds the account of the IAM users, and the person's device. An
// organization's names are anybody's choice: where none fits, the key tells which
// account it is.
func (f *finder) holder(ctx context.Context) (serial string, err error) {
	ok, organized := false, f.o.organization != "" || f.accounts.Management != ""
	f.holds, ok = f.accounts.Find(f.o.source)
	onlyOne := !ok && !f.o.sourceGiven && !(organized && f.set.Has(f.o.source)) && f.onlyKey(ctx)
	if !ok && f.o.user == "" && (organized || onlyOne) {
		if f.o.serial, err = f.device(ctx); err != nil {
			return "", err
		}
		f.holds, ok = f.accounts.WithID(source.Account(f.o.serial))
	}
	if onlyOne && !organized {
		ok = true // its account need not be in the list
	}
	if !ok && !f.o.sourceGiven {
		return "", &fault.Error{What: "cannot tell which account holds the IAM users", Why: fmt.Errorf("%s has no account %q", f.accounts.File, f.o.source), Next: []string{"name the account, or the profile with the key: --source NAME"}, Code: fault.Usage}
	}
	if serial, err = f.device(ctx); err != nil {
		return "", err
	}
	if of := source.Account(serial); organized && f.holds.ID != "" && of != "" && of != f.holds.ID {
		return "", f.otherAccount("its MFA device is " + serial)
	}
	return serial, nil
}

// withoutManagement leaves out the account that manages the organization, which the
// architecture's own list of accounts does not have either.
func (f finder) withoutManagement(all []refarch.Grant) []refarch.Grant {
	kept := slices.DeleteFunc(slices.Clone(all), func(g refarch.Grant) bool { return g.Account.ID == f.accounts.Management })
	if len(kept) < len(all) {
		one, _ := f.accounts.WithID(f.accounts.Management)
		f.sys.say("left out account %s: it manages the organization; --management makes its profiles too", profile.Shown(one.Name))
	}
	return kept
}

// device is the MFA device of all profiles: as it is given, as the config has it,
// or as AWS tells.
func (f finder) device(ctx context.Context) (string, error) {
	if f.o.serial != "" {
		return f.o.serial, nil
	}
	if f.o.user != "" {
		if f.holds.ID == "" {
			return "", &fault.Error{What: "cannot tell the MFA device of --user", Why: fmt.Errorf("the id of the account behind profile %s is not in %s", profile.Shown(f.o.source), f.accounts.File), Next: []string{"name the device: --mfa-serial ARN"}, Code: fault.Usage}
		}
		return refarch.SerialOf(f.holds.ID, f.o.user), nil
	}
	if p, err := f.set.Profile(f.o.source); err == nil && p.Value("mfa_serial") != "" {
		return p.Value("mfa_serial"), nil
	}
	return f.askedDevice(ctx)
}

// askedDevice asks AWS whose key it is, and which devices the user has. Neither
// needs MFA.
func (f finder) askedDevice(ctx context.Context) (string, error) {
	c, iam, err := f.asUser(ctx, f.set, true)
	if err != nil {
		return "", err
	}
	if err := f.Open(ctx, func() bool { return true }); err != nil {
		return "", err
	}
	key, err := f.Key(ctx, c.Key)
	if err != nil {
		return "", err
	}
	f.close()
	user, err := f.user(ctx, c, key.Signer())
	if err != nil {
		return "", err
	}
	devices, err := awsapi.New(f.sys.awsConfig(iam), key.Signer()).MFADevices(ctx, "")
	f.warnClock()
	if err != nil {
		return "", f.notTold("which MFA devices user "+profile.Shown(user)+" has", err)
	}
	var serials []string
	for _, d := range devices {
		serials = append(serials, d.Serial)
	}
	serial, err := refarch.Device(user, serials)
	if err != nil {
		return "", configureFault(err)
	}
	if serial == "" {
		f.sys.say("user %s has no MFA device, and the roles for people want one; enrol one: fob mfa enrol %s, then: fob configure", profile.Shown(user), fault.Operand(f.o.source))
	}
	return serial, nil
}

// asUser plans how to call IAM as the person.
func (f finder) asUser(ctx context.Context, set profile.Set, noSession bool) (chain.Chain, source.Endpoint, error) {
	if err := f.open(ctx); err != nil {
		return chain.Chain{}, source.Endpoint{}, err
	}
	if !f.hasKey(f.o.source) {
		return chain.Chain{}, source.Endpoint{}, &fault.Error{
			What: "cannot find out who you are", Why: fmt.Errorf("no key is stored for profile %s", profile.Shown(f.o.source)),
			Next: []string{"store it: fob add " + fault.Operand(f.o.source), "or say it: --user NAME"}, Code: fault.Config,
		}
	}
	return chain.User(set, source.Kinds(), f.hasKey, chain.Request{Profile: f.o.source, NoSession: noSession, Region: f.o.region, Env: front.Env(f.sys.Environ)})
}

// user is the name of the IAM user that signs, who must be one of the account
// that holds the users.
func (f finder) user(ctx context.Context, c chain.Chain, signer cred.Signer) (string, error) {
	id, err := awsapi.New(f.sys.awsConfig(c.STS), signer).CallerIdentity(ctx)
	if err != nil {
		return "", f.notTold("whose key it is", err)
	}
	if f.holds.ID != "" && id.Account != f.holds.ID {
		return "", f.otherAccount("it belongs to " + id.ARN)
	}
	name, ok := refarch.User(id.ARN)
	if !ok {
		return "", &fault.Error{What: fmt.Sprintf("the key of profile %s is not that of an IAM user", profile.Shown(f.o.source)), Why: fmt.Errorf("it belongs to %s", id.ARN), Next: []string{"store the key of your IAM user: fob add " + fault.Operand(f.o.source)}, Code: fault.Config}
	}
	return name, nil
}

func (f finder) otherAccount(why string) error {
	next := []string{"store the right one: fob add " + fault.Operand(f.o.source), "correct the id in " + f.accounts.File, "name the account that holds the users: --source NAME"}
	if f.o.organization != "" {
		next = slices.Delete(next, 1, 2)
	}
	return &fault.Error{What: fmt.Sprintf("the key of profile %s is not of account %s", profile.Shown(f.o.source), f.holds.ID), Why: errors.New(why), Next: next, Code: fault.Config}
}

// notTold says that AWS would not say, or could not be asked.
func (f finder) notTold(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	told := &fault.Error{What: "AWS did not say " + what, Why: err, Next: []string{"say it: --user NAME, or --mfa-serial ARN"}, Code: fault.Failed}
	if no := (*awsapi.Refusal)(nil); errors.As(err, &no) {
		told.Code = fault.Refused
	}
	return told
}
