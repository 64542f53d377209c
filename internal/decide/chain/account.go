package chain

import (
	"slices"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// Accounts are the ids of the accounts that a config names in its roles and MFA
// devices, each once. One of another length than AWS's is not among them.
func Accounts(set profile.Set) []string {
	var all []string
	for _, name := range set.Names() {
		p, err := set.Profile(name)
		if err != nil {
			continue
		}
		for _, key := range []string{"role_arn", "mfa_serial"} {
			if id := source.Account(p.Value(key)); id != "" && !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

// MeantAccount is what an account's id that is too short may stand for: the one
// known account that has one digit more, and the id with the zeros in front that
// programs drop which take it for a number. Each is "" where there is no such
// guess, known also where there are several.
func MeantAccount(short string, accounts []string) (known, zeros string) {
	const digits = 12
	if len(short) < digits-3 || len(short) >= digits || strings.Trim(short, "0123456789") != "" {
		return "", ""
	}
	zeros = strings.Repeat("0", digits-len(short)) + short
	var fit []string
	for _, one := range accounts {
		if lostDigit(short, one) && !slices.Contains(fit, one) {
			fit = append(fit, one)
		}
	}
	if len(fit) != 1 {
		return "", zeros
	}
	return fit[0], zeros
}

// lostDigit says whether short is whole without one digit, wherever that stood.
func lostDigit(short, whole string) bool {
	if len(short)+1 != len(whole) {
		return false
	}
	i := 0
	for i < len(short) && short[i] == whole[i] {
		i++
	}
	return short[i:] == whole[i+1:]
}
