package chain

import (
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// devices holds what MFA the chain names: the serial of the profile with the
// key and of the role nearest to it.
type devices struct{ base, role source.MFA }

// serials reads the MFA devices of a chain. Only a user can present one, so the
// roles further on may name the same device, and no other.
func (v *resolver) serials(links []link) (devices, error) {
	var d devices
	for i := len(links) - 1; i >= 0; i-- {
		p := links[i].profile
		m, err := v.device(p, d)
		if err != nil {
			return d, err
		}
		switch isBase := i == len(links)-1; {
		case m.Serial == "":
		case isBase && links[i].role == nil, isBase && d.base.Serial == "":
			d.base = m
		case d.role.Serial == "" && firstRole(links, i):
			d.role = m
		case d.base.Serial == "" && d.role.Serial == "":
			d.base = m
		case m.Serial != d.base.Serial && m.Serial != d.role.Serial:
			set, _ := p.Setting("mfa_serial")
			return d, &source.SettingError{Setting: set, Why: "cannot be presented: this role is assumed from another role's session, and only a user has MFA devices", Next: []string{"remove it here, or name the device of the first step"}}
		}
	}
	return d, nil
}

// firstRole says whether links[i] holds the role nearest to the key.
func firstRole(links []link, i int) bool {
	for _, l := range links[i+1:] {
		if l.role != nil {
			return false
		}
	}
	return links[i].role != nil
}

// device reads mfa_serial and mfa_process of one profile. mfa_process of the
// profile nearer to the key serves those that have none.
func (v *resolver) device(p profile.Profile, nearer devices) (source.MFA, error) {
	m := source.MFA{Process: nearer.base.Process, ProcessFrom: nearer.base.ProcessFrom}
	if nearer.role.Process != "" {
		m.Process, m.ProcessFrom = nearer.role.Process, nearer.role.ProcessFrom
	}
	if set, ok := p.Setting("mfa_process"); ok && set.Value != "" {
		m.Process, m.ProcessFrom = set.Value, set.From
	}
	set, ok := p.Setting("mfa_serial")
	if !ok || set.Value == "" {
		return m, nil
	}
	if why := source.CheckSerial(set.Value); why != "" {
		return m, &source.SettingError{Setting: set, Why: why, Next: []string{"see its ARN in the console, or: aws iam list-mfa-devices"}}
	}
	m.Serial = set.Value
	return m, nil
}
