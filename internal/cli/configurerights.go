package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
)

// grants are the roles that the person's groups and policies allow. Who may not
// read them is asked instead.
func (f finder) grants(ctx context.Context, w refarch.Wanted) ([]refarch.Grant, error) {
	rights, err := f.rights(ctx, w)
	if no := (*awsapi.Refusal)(nil); errors.As(err, &no) && denied(no) {
		return f.askedGrants(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	all, err := refarch.Allowed(f.accounts, f.holds.Name, f.o.naming(), rights)
	if err != nil {
		return nil, configureFault(err)
	}
	if len(all) == 0 {
		f.sys.say("your groups and policies allow no role of these accounts; the file users.yml of your infrastructure says who is in which group")
	}
	if f.o.roles[0] == "least" {
		all = refarch.Least(all)
	}
	return all, nil
}

// denied says whether a refusal means this call, rather than the signer.
func denied(no *awsapi.Refusal) bool { return no.Code == "AccessDenied" }

// rights reads what IAM tells of the person, in the session with MFA that their
// roles share. The device must be known to the plan, which the config may not be
// yet.
func (f finder) rights(ctx context.Context, w refarch.Wanted) (refarch.Rights, error) {
	first, err := refarch.Make(f.set, refarch.Wanted{Source: w.Source, Serial: w.Serial, Region: w.Region})
	if err != nil {
		return refarch.Rights{}, configureFault(err)
	}
	set, err := f.set.WithText(first.Text)
	if err != nil {
		return refarch.Rights{}, configureFault(err)
	}
	p := userPlan{}
	p.code = f.o.code
	if p.Chain, p.iam, err = f.asUser(ctx, set, false); err != nil {
		return refarch.Rights{}, err
	}
	h, err := f.userSession(ctx, p)
	if err != nil {
		return refarch.Rights{}, err
	}
	if h.session.ID == "" {
		return f.rightsByKey(ctx, p)
	}
	var rights refarch.Rights
	_, err = f.using(ctx, h, func(now cred.Session) (err error) {
		rights, err = f.read(ctx, p, now.Signer())
		return err
	})
	return rights, err
}

// rightsByKey signs with the key itself, for a user without MFA.
func (f finder) rightsByKey(ctx context.Context, p userPlan) (refarch.Rights, error) {
	if err := f.Open(ctx, func() bool { return true }); err != nil {
		return refarch.Rights{}, err
	}
	key, err := f.Key(ctx, p.Key)
	if err != nil {
		return refarch.Rights{}, err
	}
	f.close()
	return f.read(ctx, p, key.Signer())
}

func (f finder) read(ctx context.Context, p userPlan, signer cred.Signer) (refarch.Rights, error) {
	var rights refarch.Rights
	name, err := f.user(ctx, p.Chain, signer)
	if err != nil {
		return rights, err
	}
	rights.User = name
	iam := awsapi.New(f.sys.awsConfig(p.iam), signer)
	if rights.Groups, err = iam.GroupsOfUser(ctx, name); err != nil {
		return rights, err
	}
	own, err := iam.UserPolicies(ctx, name)
	if no := (*awsapi.Refusal)(nil); err != nil && !(errors.As(err, &no) && denied(no)) {
		return rights, err
	}
	rights.Policies = own
	for _, group := range rights.Groups {
		texts, err := iam.GroupPolicies(ctx, group)
		no := (*awsapi.Refusal)(nil)
		switch {
		case errors.As(err, &no) && denied(no):
			rights.Unread = append(rights.Unread, group)
		case err != nil:
			return rights, err
		}
		rights.Policies = append(rights.Policies, texts...)
	}
	return rights, nil
}

// askedGrants asks which roles the person has, in all accounts alike.
func (f finder) askedGrants(ctx context.Context, refused error) ([]refarch.Grant, error) {
	t, err := f.sys.OpenTTY()
	if err != nil {
		return nil, &fault.Error{What: "you may not read your groups, so nothing says which roles you have", Why: refused, Next: []string{"name the roles: --roles read-only", "find out which: ask who keeps users.yml of your infrastructure"}, Code: fault.Refused}
	}
	defer t.Close()
	t.Say("You may not read your groups. The roles there are: " + strings.Join(refarch.Roles(), ", "))
	line, err := t.ReadLine(ctx, "Which of them have you (with commas between)? ")
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, key := range strings.Split(line, ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
	}
	if err := f.o.naming().Check(keys); err != nil || len(keys) == 0 {
		return nil, &fault.Error{What: "cannot use the answer", Why: fmt.Errorf("%s names no roles", profile.Shown(line)), Next: []string{"name the roles: --roles read-only"}, Code: fault.Usage}
	}
	power := func(key string) int {
		if i := slices.Index(refarch.Roles(), key); i >= 0 {
			return i
		}
		return len(refarch.Roles())
	}
	slices.SortStableFunc(keys, func(a, b string) int { return power(a) - power(b) })
	all := refarch.Every(f.accounts, f.holds.Name, f.o.naming(), keys)
	if f.o.roles[0] == "least" {
		all = refarch.Least(all)
	}
	return all, nil
}
