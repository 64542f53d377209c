package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
)

// organization has AWS list the accounts, and takes the list as it takes a file.
// Where the person's MFA device was found out on the way, it is in o afterwards.
func (k *keeper) organization(ctx context.Context, set profile.Set, o *configureOptions) (refarch.Accounts, error) {
	l, err := k.lister(ctx, set, o)
	if err != nil {
		return refarch.Accounts{}, err
	}
	h, err := k.sessionIn(ctx, l.set, l.request, wanted{profile: l.request.Profile, code: o.code})
	if err != nil {
		return refarch.Accounts{}, l.told(err)
	}
	end, err := chain.Organizations(l.set, source.Kinds(k.inClear(l.set)), k.hasKey, l.request)
	if err != nil {
		return refarch.Accounts{}, err
	}
	var listed []refarch.Listed
	_, err = k.using(ctx, h, func(now cred.Session) error {
		answer, err := awsapi.New(k.sys.patient(end), now.Signer()).OrganizationAccounts(ctx)
		for _, a := range answer {
			listed = append(listed, refarch.Listed(a))
		}
		return err
	})
	k.warnClock()
	if err != nil {
		return refarch.Accounts{}, l.notListed(err)
	}
	accounts, err := refarch.FromOrganization("the organization that "+l.shown+" lists", listed)
	if bad := (*refarch.Error)(nil); errors.As(err, &bad) {
		return accounts, &fault.Error{What: "cannot use the organization's list of accounts", Why: errors.New(bad.Text), Next: bad.Next, Code: fault.Config}
	}
	k.sys.sayInactive(accounts)
	return accounts, err
}

// lister is by whom the accounts are listed: a profile of the config, or one that
// is made for this call and not written.
type lister struct {
	set     profile.Set
	request chain.Request
	shown   string // as messages call it
	role    string // the role's ARN where the profile is made
}

func (k *keeper) lister(ctx context.Context, set profile.Set, o *configureOptions) (lister, error) {
	l := lister{set: set, shown: "profile " + profile.Shown(o.organization)}
	if !set.Has(o.organization) {
		return k.madeLister(ctx, set, o)
	}
	var err error
	l.request, err = k.sys.request(wanted{profile: o.organization, code: o.code})
	return l, err
}

// madeLister goes straight from the key to a role, by default the one that only
// reads in the account of that id.
func (k *keeper) madeLister(ctx context.Context, set profile.Set, o *configureOptions) (lister, error) {
	account, role := o.organization, o.naming().Name("read-only", "root")
	if strings.HasPrefix(o.organization, "arn:") {
		account, role = source.Account(o.organization), strings.TrimPrefix(afterAccount(o.organization), "role/")
	} else if source.Account("arn:aws:iam::"+account+":root") == "" {
		return lister{}, &fault.Error{
			What: "cannot use --organization", Why: fmt.Errorf("%s is neither a profile in %s nor an account's id nor a role's ARN", profile.Shown(o.organization), set.Display()),
			Next: []string{"name the account that manages the organization: --organization 678901234567", "or its role that may list the accounts: --organization arn:aws:iam::678901234567:role/NAME"}, Code: fault.Usage,
		}
	}
	if err := k.ownDevice(ctx, set, o); err != nil {
		return lister{}, err
	}
	name := "organization"
	for set.Has(name) {
		name += "-"
	}
	grant := refarch.Grant{Account: refarch.Account{Name: name, ID: account}, Key: refarch.FullAccess, Role: role}
	plan, err := refarch.Make(set, refarch.Wanted{Source: o.source, Serial: o.serial, Region: o.region, Grants: []refarch.Grant{grant}})
	if err != nil {
		return lister{}, configureFault(err)
	}
	l := lister{}
	if l.set, err = set.WithText(plan.Text); err != nil {
		return l, configureFault(err)
	}
	made, err := l.set.Profile(name)
	if err != nil {
		return l, configureFault(err)
	}
	l.role = made.Value("role_arn")
	l.shown = l.role
	l.request, err = k.sys.request(wanted{profile: name, code: o.code})
	delete(l.request.Env, "AWS_ROLE_ARN") // which is for profiles that a person names
	return l, err
}

// afterAccount is the last part of an ARN.
func afterAccount(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// ownDevice finds the person's device before anything is known of the accounts: the
// role is entered with a code.
func (k *keeper) ownDevice(ctx context.Context, set profile.Set, o *configureOptions) (err error) {
	f := finder{keeper: k, set: set, o: *o}
	if !o.sourceGiven && !set.Has(o.source) && f.onlyKey(ctx) {
		o.source = f.o.source
	}
	own := ""
	if p, err := set.Profile(o.source); err == nil {
		own = p.Value("mfa_serial")
	}
	if o.user != "" && own == "" {
		return &fault.Error{What: "cannot tell the MFA device of --user", Why: errors.New("which account has the users is known only when the accounts are listed"), Next: []string{"leave --user out: AWS tells whose key it is", "name the device: --mfa-serial ARN"}, Code: fault.Usage}
	}
	f.o.user = ""
	if o.serial, err = f.device(ctx); err != nil || o.serial != "" {
		return err
	}
	return &fault.Error{What: "cannot list the organization's accounts", Why: errors.New("its role wants an MFA code, and no MFA device is known"), Next: []string{"enrol one: fob mfa enrol " + fault.Operand(o.source), "name a profile that may list them: --organization PROFILE"}, Code: fault.Config}
}

// told speaks of the role, since the person knows no profile of that name.
func (l lister) told(err error) error {
	f := (*fault.Error)(nil)
	if l.role == "" || !errors.As(err, &f) || f.Code != fault.Refused && f.Code != fault.Config {
		return err
	}
	told := &fault.Error{What: "cannot enter " + l.role + " to list the organization's accounts", Why: f.Why, Next: f.Next, Code: f.Code}
	if f.Code == fault.Refused {
		told.Next = []string{"ask for a group that lets you enter it, or name another role of that account: --organization ARN", "use a file of the accounts: fob configure FILE"}
	}
	return told
}

// notListed says that AWS has refused the list, or could not be asked.
func (l lister) notListed(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: "AWS did not list the organization's accounts", Why: err, Next: []string{"use a file of the accounts: fob configure FILE"}, Code: fault.Failed}
	no := (*awsapi.Refusal)(nil)
	if !errors.As(err, &no) {
		f.Next = []string{"try again: nothing was written"}
		return f
	}
	switch {
	case no.Code == "TooManyRequestsException" || no.Status >= 500:
		f.Next = []string{"try again in a minute: nothing was written"}
		return f
	case no.Code == "AWSOrganizationsNotInUseException":
		f.Next = append([]string{"name the account that manages the organization: --organization 678901234567"}, f.Next...)
	case no.Code == "AccessDeniedException":
		f.Next = append([]string{"see that " + l.shown + " is of the account that manages the organization: AWS answers no other", "ask for organizations:ListAccounts in its policies"}, f.Next...)
	}
	f.Code = fault.Refused
	return f
}
