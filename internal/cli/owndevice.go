package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"
)

// strange says that a user has not the device that the config names, and what to
// write where.
func strange(set profile.Set, serial, key string, have []string) (why string, next []string) {
	why = "the user has no MFA device " + serial
	if len(have) > 0 {
		why += ", but " + strings.Join(have, ", ")
	}
	if other := givesCodes(have); other != "" {
		return why, []string{fmt.Sprintf("set mfa_serial = %s in %s", other, strings.Join(naming(set, serial), ", "))}
	}
	return why, []string{"enrol a device named like the user: fob mfa enrol " + fault.Operand(key)}
}

// givesCodes is the first of these devices that is no security key, or "".
func givesCodes(serials []string) string {
	i := slices.IndexFunc(serials, func(s string) bool { return source.CheckSerial(s) == "" })
	if i < 0 {
		return ""
	}
	return serials[i]
}

// naming says where the config names a device.
func naming(set profile.Set, serial string) []string {
	var where []string
	for _, name := range set.Names() {
		p, err := set.Profile(name)
		named, ok := p.Setting("mfa_serial")
		if err == nil && ok && named.Value == serial && !slices.Contains(where, named.From) && len(where) < 5 {
			where = append(where, named.From)
		}
	}
	if len(where) == 0 {
		return []string{"AWS_MFA_SERIAL"}
	}
	return where
}

// deviceWait bounds the question beside a refused code: somebody is waiting to type
// the next one.
const deviceWait = 3 * time.Second

// notOwn asks AWS which devices the user has, after a code was refused. The
// architecture's self-management policy allows it without MFA; who may not ask
// learns nothing more than before.
func (k *keeper) notOwn(ctx context.Context, c chain.Chain, device source.MFA, signer cred.Signer) error {
	set, err := k.load()
	if err != nil {
		return nil
	}
	hasKey := func(name string) bool { return name == c.Key }
	_, iam, err := chain.User(set, source.Kinds(k.inClear(set)), hasKey, chain.Request{Profile: c.Key, Unguarded: true, Env: front.Env(k.sys.Environ)})
	if err != nil {
		return nil
	}
	have, err := k.devicesSoon(ctx, iam, signer)
	if err != nil || slices.Contains(have, device.Serial) {
		return nil
	}
	why, next := strange(set, device.Serial, c.Key, have)
	return &fault.Error{What: fault.NoCredentials(c.Profile), Why: errors.New("AWS did not take the code, since " + why), Next: next, Code: fault.Refused}
}

// devicesSoon lists the devices of the user that signs, in bounded time.
func (k *keeper) devicesSoon(ctx context.Context, iam source.Endpoint, signer cred.Signer) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, deviceWait)
	defer cancel()
	conf := k.sys.awsConfig(iam)
	conf.Attempts = 1
	return awsapi.New(conf, signer).OwnMFADevices(ctx)
}
