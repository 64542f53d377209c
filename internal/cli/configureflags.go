package cli

import (
	"errors"
	"fmt"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// usable says what is wrong with the flags, before anything is read or asked.
func (o *configureOptions) usable() error {
	for _, one := range []struct {
		flag, value, flaw string
		next              []string
	}{
		{"--source", o.source, sourceFlaw(o.source), []string{"name the account that holds the IAM users, or the profile with the key"}},
		{"--region", o.region, source.CheckRegion(o.region), []string{"write it like us-west-2"}},
		{"--mfa-serial", o.serial, source.TypedSerial(o.serial), []string{"see its ARN in the console"}},
		{"--user", o.user, userFlaw(o.user), []string{"or name the device: --mfa-serial ARN"}},
	} {
		if one.value != "" && one.flaw != "" {
			return &fault.Error{What: "cannot use " + one.flag, Why: fmt.Errorf("%s %s", profile.Shown(one.value), one.flaw), Next: one.next, Code: fault.Usage}
		}
	}
	if err := checkGivenCode(o.code); err != nil {
		return err
	}
	if o.file != "" && o.organization != "" {
		return &fault.Error{What: "cannot take the accounts from a file and from the organization", Next: []string{"leave one of the two out"}, Code: fault.Usage}
	}
	if flaw := source.CheckRoleARN(o.organization); strings.HasPrefix(o.organization, "arn:") && flaw != "" {
		return &fault.Error{What: "cannot use --organization", Why: fmt.Errorf("%s %s", profile.Shown(o.organization), flaw), Next: []string{"write it like arn:aws:iam::678901234567:role/NAME"}, Code: fault.Usage}
	}
	if err := o.usableRoles(); err != nil {
		return err
	}
	if o.json && !o.yes && !o.check && !o.dryRun {
		return &fault.Error{What: "cannot ask with --json", Next: []string{"look: --dry-run --json", "write without asking: --yes --json"}, Code: fault.Usage}
	}
	return nil
}

// sourceFlaw says why no profile can be called so, or "".
func sourceFlaw(name string) string {
	if flaw := profile.Unwritable(name); flaw != "" {
		return "is no name of a profile: " + flaw
	}
	return ""
}

// userFlaw says why a text is no name of an IAM user, or ""
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html).
func userFlaw(name string) string {
	const longest = 64
	if len(name) > longest || strings.ContainsAny(name, "/:") || source.CheckSerial(refarch.SerialOf("123456789012", name)) != "" {
		return "is no name of an IAM user"
	}
	return ""
}

func (o *configureOptions) usableRoles() error {
	if len(o.roles) == 0 {
		o.roles = []string{refarch.FullAccess}
	}
	keys := o.roles
	if o.byRights() {
		keys = refarch.Roles()
		if len(o.roles) > 1 {
			return &fault.Error{What: "cannot use --roles", Why: errors.New("allowed and least stand alone"), Next: []string{"leave the other roles out"}, Code: fault.Usage}
		}
	}
	err := o.naming().Check(keys)
	if err == nil {
		return nil
	}
	f := &fault.Error{What: "cannot make names of --roles, --role-name and --role-prefix", Why: err, Code: fault.Usage}
	if known := (*refarch.Error)(nil); errors.As(err, &known) {
		f.Next = known.Next
	}
	return f
}
