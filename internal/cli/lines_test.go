package cli

import (
	"context"
	"strings"
	"testing"

	"fob/internal/front"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// typed is a command line as either parser understands it.
type typed struct {
	Profile, Duration, Region, Format string
	NoSession                         bool
	Argv                              []string
	Choice                            front.Choice
}

// The front's parser and cobra's must mean the same by every line that the
// front takes; what it does not take goes to cobra alone.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line  string
		want  typed
		front bool // the front understands it
		bad   bool // cobra refuses it
	}{
		{line: "exec dev -- aws sts get-caller-identity", front: true, want: typed{Profile: "dev", Argv: words("aws sts get-caller-identity")}},
		{line: "exec dev --no-session -- aws s3 ls", front: true, want: typed{Profile: "dev", NoSession: true, Argv: words("aws s3 ls")}},
		{line: "exec -n dev ls -l", front: true, want: typed{Profile: "dev", NoSession: true, Argv: words("ls -l")}},
		{line: "exec dev -n ls -l", front: true, want: typed{Profile: "dev", NoSession: true, Argv: words("ls -l")}},
		{line: "exec dev ls -n", front: true, want: typed{Profile: "dev", Argv: words("ls -n")}},
		{line: "exec dev ls -- -n", front: true, want: typed{Profile: "dev", Argv: words("ls -- -n")}},
		{line: "exec dev -- ls -- -n", front: true, want: typed{Profile: "dev", Argv: words("ls -- -n")}},
		{line: "exec dev", front: true, want: typed{Profile: "dev"}},
		{line: "exec dev --", front: true, want: typed{Profile: "dev"}},
		{line: "exec -- env", front: true, want: typed{Argv: words("env")}},
		{line: "exec", front: true, want: typed{}},
		{line: "exec --region eu-west-1 dev -d 2h -- env", front: true, want: typed{Profile: "dev", Region: "eu-west-1", Duration: "2h", Argv: words("env")}},
		{line: "exec --region=eu-west-1 dev --duration=2h env", front: true, want: typed{Profile: "dev", Region: "eu-west-1", Duration: "2h", Argv: words("env")}},
		{line: "exec dev --duration 7200 -- env", front: true, want: typed{Profile: "dev", Duration: "2h", Argv: words("env")}},
		{line: "exec dev - x", front: true, want: typed{Profile: "dev", Argv: words("- x")}},
		{line: "exec -n --region us-east-1 -- env", front: true, want: typed{NoSession: true, Region: "us-east-1", Argv: words("env")}},
		{line: "exec --agent helper dev,stage -- claude", want: typed{Profile: "dev,stage", Argv: words("claude")}},
		{line: "exec --agent=helper dev --policy plan --for 2h --weak-ok -- claude -p x", want: typed{Profile: "dev", Argv: words("claude -p x")}},
		{line: "exec dev --agent helper claude", want: typed{Profile: "dev", Argv: words("claude")}},
		{line: "exec --agent", bad: true},
		{line: "exec -d2h dev env", want: typed{Profile: "dev", Duration: "2h", Argv: words("env")}},
		{line: "exec dev -nd 2h env", want: typed{Profile: "dev", Duration: "2h", NoSession: true, Argv: words("env")}},
		{line: "exec dev --no-session=false env", want: typed{Profile: "dev", Argv: words("env")}},
		{line: "exec --server dev env", want: typed{Profile: "dev", Argv: words("env")}},
		{line: "exec dev -s -- env", want: typed{Profile: "dev", Argv: words("env")}},
		{line: "exec --ecs-server --lazy dev -- env", want: typed{Profile: "dev", Argv: words("env")}},
		{line: "exec dev --ec2-server -- env -s", want: typed{Profile: "dev", Argv: words("env -s")}},
		{line: "exec dev env --server", front: true, want: typed{Profile: "dev", Argv: words("env --server")}},
		{line: "exec dev --bogus env", bad: true},
		{line: "exec dev --region", bad: true},
		{line: "export dev", front: true, want: typed{Profile: "dev", Format: "env"}},
		{line: "export --format json dev", front: true, want: typed{Profile: "dev", Format: "json"}},
		{line: "export dev --format=ini -n", front: true, want: typed{Profile: "dev", Format: "ini", NoSession: true}},
		{line: "export dev -d 30m", front: true, want: typed{Profile: "dev", Format: "env", Duration: "30m"}},
		{line: "export --check dev", want: typed{Profile: "dev", Format: "env"}},
		{line: "export", want: typed{Format: "env"}},
		{line: "export dev prod", bad: true},
		{line: "credential-process dev", front: true, want: typed{Profile: "dev", Format: "json"}},
		{line: "credential-process --region us-east-1 dev", front: true, want: typed{Profile: "dev", Format: "json", Region: "us-east-1"}},
		{line: "credential-process dev --format env", bad: true},
		{line: "credential-process -- -dash", front: true, want: typed{Profile: "-dash", Format: "json"}},
		{line: "credential-process -- --reveal", front: true, want: typed{Profile: "--reveal", Format: "json"}},
		{line: "credential-process -n -- --", front: true, want: typed{Profile: "--", Format: "json", NoSession: true}},
		{line: "credential-process -- -n dev", bad: true},
		{line: "credential-process dev --", front: true, want: typed{Profile: "dev", Format: "json"}},
		{line: "credential-process --", bad: true},
		{line: "export --format json -- -n", front: true, want: typed{Profile: "-n", Format: "json"}},
		{line: "export -- dev -n", bad: true},
		{line: "export dev -- -n", bad: true},
		{line: "export --", want: typed{Format: "env"}},
		{line: "terragrunt-auth", front: true, want: typed{Format: "terragrunt"}},
		{line: "terragrunt-auth --", front: true, want: typed{Format: "terragrunt"}},
		{line: "terragrunt-auth --read-only -d 30m", front: true, want: typed{Format: "terragrunt", Duration: "30m", Choice: front.Choice{ReadOnly: true}}},
		{line: "terragrunt-auth --role=a --role b", front: true, want: typed{Format: "terragrunt", Choice: front.Choice{Role: "b"}}},
		{line: "terragrunt-auth --role --read-only", front: true, want: typed{Format: "terragrunt", Choice: front.Choice{Role: "--read-only"}}},
		{line: "terragrunt-auth --read-only=true", want: typed{Format: "terragrunt", Choice: front.Choice{ReadOnly: true}}},
		{line: "terragrunt-auth --role a --read-only", bad: true},
		{line: "terragrunt-auth --read-only --role=a", bad: true},
		{line: "terragrunt-auth --no-input --read-only", front: true, want: typed{Format: "terragrunt", Choice: front.Choice{ReadOnly: true}}},
		{line: "exec --no-input dev --no-input env --no-input", front: true, want: typed{Profile: "dev", Argv: words("env --no-input")}},
		{line: "terragrunt-auth dev", bad: true},
		{line: "terragrunt-auth -- dev", bad: true},
		{line: "terragrunt-auth --role", bad: true},
		{line: "terragrunt-auth --role=", bad: true},
		{line: "terragrunt-auth -n", bad: true},
		{line: "terragrunt-auth --no-session", bad: true},
		{line: "terragrunt-auth --region us-east-1", bad: true},
		{line: "terragrunt-auth --format env", bad: true},
		{line: "exec --role a dev env", bad: true},
		{line: "export --read-only dev", bad: true},
	}
	for _, tc := range tests {
		t.Run(tc.line, func(t *testing.T) {
			t.Parallel()
			args := words(tc.line)
			got, err := byCobra(args)
			if (err != nil) != tc.bad {
				t.Fatalf("cobra: %v, want an error: %v", err, tc.bad)
			}
			if !tc.bad {
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("cobra: %s", diff)
				}
			}
			line, ok := front.Parse(args)
			if ok != tc.front {
				t.Fatalf("front: understood %v, want %v", ok, tc.front)
			}
			if ok {
				if diff := cmp.Diff(tc.want, byFront(line)); diff != "" {
					t.Errorf("front: %s", diff)
				}
			}
		})
	}
}

func words(s string) []string { return strings.Fields(s) }

func byFront(l front.Line) typed {
	out := typed{Profile: l.Profile, Region: l.Region, Format: l.Format, NoSession: l.NoSession, Argv: l.Argv, Choice: l.Choice}
	if l.Lifetime != 0 {
		out.Duration = duration(l.Lifetime.String())
	}
	if len(out.Argv) == 0 {
		out.Argv = nil
	}
	return out
}

// duration writes equal durations alike.
func duration(text string) string {
	d, ok := front.Lifetime(text)
	if !ok {
		return text
	}
	return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String())
}

func byCobra(args []string) (out typed, err error) {
	root := &cobra.Command{Use: "fob", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().Bool("no-input", false, "")
	put := func(w wanted, format string, argv []string) {
		out = typed{Profile: w.profile, Region: w.region, NoSession: w.noSession, Format: format, Argv: argv}
		if w.duration != "" {
			out.Duration = duration(w.duration)
		}
		if len(out.Argv) == 0 {
			out.Argv = nil
		}
	}
	export := func(_ context.Context, o exportOptions) error { put(o.wanted, o.format, nil); return nil }
	terragrunt := func(_ context.Context, o terragruntOptions) error {
		put(o.wanted, "terragrunt", nil)
		out.Choice = o.choice
		return nil
	}
	root.AddCommand(
		terragruntAuthCommand(terragrunt),
		execCommand(func(_ context.Context, o execOptions) error { put(o.wanted, "", o.argv); return nil }),
		exportCommand(export), credentialProcessCommand(export),
	)
	root.SetArgs(args)
	return out, root.Execute()
}
