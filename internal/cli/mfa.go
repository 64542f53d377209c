package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/devices"

	"github.com/spf13/cobra"
)

// mfaOptions are those of every command below fob mfa; each has some of them.
type mfaOptions struct {
	rotateOptions // profile, code, noSession, yes, json
	serial        string
	noConfig      bool
	reads         bool // it changes no device
}

func newMFA(sys *System, g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "mfa",
		Short: "Show and change the MFA devices of your own IAM user",
		Long: "Enrol a virtual MFA device for the IAM user whose key a profile uses, list the user's\n" +
			"devices, bring one back into step, remove one. What the user needs is a self-management\n" +
			"policy, which lets it do so with the device of its own name.",
		Example: "  fob mfa enrol security\n  fob mfa list security",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, add := range []func(*System, *globals) *cobra.Command{newMFAEnrol, newMFAList, newMFAResync, newMFARemove} {
		c.AddCommand(add(sys, g))
	}
	return c
}

// mfaCommand makes one of them; the profile goes into o.
func mfaCommand(sys *System, g *globals, o *mfaOptions, run func(context.Context) error) *cobra.Command {
	c := &cobra.Command{
		Args: oneProfile, ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.profile = args[0]
			}
			if err := o.check(); err != nil {
				return err
			}
			return run(c.Context())
		},
	}
	c.Flags().BoolVarP(&o.noSession, "no-session", "n", false, "sign with the stored key alone, never with an MFA session")
	c.Flags().StringVarP(&o.code, "mfa-token", "t", "", "the MFA code for the session, where one is needed and the code is known already")
	return c
}

// check looks at the words of the command line before anything is asked.
func (o *mfaOptions) check() error {
	if why := source.CheckSerial(o.serial); o.serial != "" && why != "" {
		return &fault.Error{What: fmt.Sprintf("--serial %q %s", o.serial, why), Next: []string{"see the devices: fob mfa list " + fault.Operand(o.profile)}, Code: fault.Usage}
	}
	return checkGivenCode(o.code)
}

func newMFAEnrol(sys *System, g *globals) *cobra.Command {
	var o mfaOptions
	c := mfaCommand(sys, g, &o, func(ctx context.Context) error { return sys.runMFAEnrol(ctx, g, o) })
	c.Use, c.Aliases = "enrol PROFILE", []string{"enroll"}
	c.Short = "Enrol an app on your phone as MFA device"
	c.Long = "Make a virtual MFA device that is named like the IAM user, show its secret as a QR code\n" +
		"for an authenticator app, and enable it with two codes of that app. The secret is shown\n" +
		"once, on the terminal, and kept nowhere. Then mfa_serial is written to the profile with\n" +
		"the key."
	c.Example = "  fob mfa enrol security\n  fob mfa enrol security --no-config"
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask before clearing what a cut-off run has left, and before writing to the AWS config")
	c.Flags().BoolVar(&o.noConfig, "no-config", false, "leave the AWS config alone")
	return c
}

func newMFAList(sys *System, g *globals) *cobra.Command {
	var o mfaOptions
	c := mfaCommand(sys, g, &o, func(ctx context.Context) error { return sys.runMFAList(ctx, g, o) })
	c.Use, c.Args = "list [PROFILE]", atMostOneProfile
	c.Short = "List the MFA devices of your IAM user"
	c.Example = "  fob mfa list security\n  fob mfa list security --json"
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func newMFAResync(sys *System, g *globals) *cobra.Command {
	var o mfaOptions
	c := mfaCommand(sys, g, &o, func(ctx context.Context) error { return sys.runMFAResync(ctx, g, o) })
	c.Use = "resync PROFILE"
	c.Short = "Resync an MFA device whose codes AWS refuses, by two of them"
	c.Example = "  fob mfa resync security"
	c.Flags().Var(some{&o.serial}, "serial", "the device, where there are several")
	return c
}

func newMFARemove(sys *System, g *globals) *cobra.Command {
	var o mfaOptions
	c := mfaCommand(sys, g, &o, func(ctx context.Context) error { return sys.runMFARemove(ctx, g, o) })
	c.Use, c.Aliases = "remove PROFILE", []string{"rm"}
	c.Short = "Remove an MFA device of your IAM user, and delete it"
	c.Example = "  fob mfa remove security\n  fob mfa rm security --serial arn:aws:iam::111122223333:mfa/old-phone"
	c.Flags().Var(some{&o.serial}, "serial", "the device, where there are several")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return c
}

func (s System) runMFAEnrol(ctx context.Context, g *globals, o mfaOptions) error {
	t, err := s.person("enrol an MFA device")
	if err != nil {
		return err
	}
	defer t.Close()
	return s.withDevices(ctx, g, o, func(m *mfaRun) error {
		m.work.TTY = t
		serial, err := m.work.Enrol(ctx, m.agree)
		if err != nil {
			return err
		}
		s.say("enrolled %s: it is the MFA device of %s", serial, m.work.Owner.Name)
		return m.configure(ctx, serial)
	})
}

func (s System) runMFAResync(ctx context.Context, g *globals, o mfaOptions) error {
	t, err := s.person("resync an MFA device")
	if err != nil {
		return err
	}
	defer t.Close()
	return s.withDevices(ctx, g, o, func(m *mfaRun) error {
		m.work.TTY = t
		d, err := m.work.Resync(ctx, o.serial)
		if err == nil {
			s.say("%s is in step again", d.Serial)
		}
		return err
	})
}

func (s System) runMFARemove(ctx context.Context, g *globals, o mfaOptions) error {
	return s.withDevices(ctx, g, o, func(m *mfaRun) error {
		d, err := m.work.Remove(ctx, o.serial, m.agree)
		if err != nil {
			return err
		}
		s.say("removed %s: delete its entry in the app, too", d.Serial)
		if at := m.naming(func(serial string) bool { return serial == d.Serial }); len(at) > 0 {
			s.say("the AWS config names it still: %s; fob mfa enrol gives the device of the user's name the same serial again", firstOf(at))
		}
		return nil
	})
}

// mfaListJSON is what fob mfa list prints.
type mfaListJSON struct {
	Profile string          `json:"profile" doc:"the profile with the key"`
	User    string          `json:"user" doc:"name of the IAM user"`
	Account string          `json:"account" doc:"id of its account"`
	Serial  string          `json:"mfa_serial,omitempty" doc:"the device that the config names for this key"`
	Devices []mfaDeviceJSON `json:"devices" doc:"the user's devices"`
}

type mfaDeviceJSON struct {
	Serial   string    `json:"serial" doc:"serial number or ARN"`
	Name     string    `json:"name,omitempty" doc:"name of a virtual device"`
	Kind     string    `json:"kind" doc:"virtual, hardware or security key"`
	Enabled  time.Time `json:"enabled" doc:"since when it is the user's"`
	Named    bool      `json:"named_like_user" doc:"it is named like the user, so that a self-management policy lets the user manage it"`
	InConfig bool      `json:"in_config" doc:"the config names it for this key"`
}

func (s System) runMFAList(ctx context.Context, g *globals, o mfaOptions) (err error) {
	o.profile, err = s.named(ctx, o.profile, "list MFA devices", "fob mfa list PROFILE")
	if err != nil {
		return err
	}
	o.reads = true
	return s.withDevices(ctx, g, o, func(m *mfaRun) error {
		all, err := m.work.List(ctx)
		if err != nil {
			return err
		}
		w := m.work
		out := mfaListJSON{Profile: w.Profile, User: w.Owner.Name, Account: w.Owner.Account, Serial: w.Serial, Devices: []mfaDeviceJSON{}}
		for _, d := range all {
			out.Devices = append(out.Devices, mfaDeviceJSON{Serial: d.Serial, Name: d.Name, Kind: string(d.Kind), Enabled: d.Enabled, Named: d.Named, InConfig: d.Serial == w.Serial})
		}
		if o.json {
			return writeJSON(s.Stdout, out)
		}
		if set, err := m.load(); err == nil && w.Serial != "" && !slices.ContainsFunc(out.Devices, func(d mfaDeviceJSON) bool { return d.InConfig }) {
			var have []string
			for _, d := range out.Devices {
				have = append(have, d.Serial)
			}
			_, next := strange(set, w.Serial, w.Profile, have)
			s.say("the config names %s, which is none of the user's: %s", w.Serial, next[0])
		}
		return s.tellDevices(out, w.Owner.Serial())
	})
}

// tellDevices prints a line for each device, and on standard error what follows
// from how it is named.
func (s System) tellDevices(l mfaListJSON, own string) error {
	profile := fault.Operand(l.Profile)
	var b strings.Builder
	for _, d := range l.Devices {
		name := "another name than the user's"
		if d.Named {
			name = "named like the user"
		}
		line := fmt.Sprintf("%s  %s, since %s, %s", d.Serial, d.Kind, d.Enabled.Format(time.DateOnly), name)
		if d.InConfig {
			line += ", in the config"
		}
		b.WriteString(fault.Line(line) + "\n")
		if !d.Named && d.Kind == string(devices.Virtual) {
			s.say("%s is not named like the user: its codes serve, but a policy for mfa/${aws:username}, as the Reference Architecture has it, lets the user neither resync nor remove it, and an mfa_serial that is made up of account and user name (%s) is not this device", d.Serial, own)
		}
	}
	switch {
	case len(l.Devices) == 0:
		s.say("user %s has no MFA device; enrol one: fob mfa enrol %s", l.User, profile)
	case l.Serial == "":
		s.say("no mfa_serial is set for profile %s", profile)
	}
	_, err := s.Stdout.Write([]byte(b.String()))
	return err
}
