package cli

import (
	"os"
	"strings"
	"testing"

	"fob/internal/playground"

	"github.com/google/go-cmp/cmp"
)

// belongings prints all that a process is given beside its words: limits, mask,
// signals, whether it may be dumped. A shell blocks signals for a moment while it
// starts a program, so grep is in its place; a file in /proc belongs to root and not
// to the user when the process may not be dumped.
const belongings = `umask; ulimit -S -a; ulimit -H -a; stat -c "dumpable by %u" /proc/$$/environ; exec grep -E "^(Sig|Shd)(Blk|Ign|Pnd)|^NoNewPrivs|^Seccomp:|^Groups" /proc/self/status`

// TestBelongings: the command of either executable, and each program that fob-core
// runs beside itself, has what the caller of fob would have given it, and nothing of
// what fob forbids itself. Of the signals that a caller may ignore, Go's runtime
// leaves SIGHUP and SIGINT as they are; all others are the default in the command,
// and no program in Go can know what they were (runtime.initsig, Go 1.26).
func TestBelongings(t *testing.T) {
	t.Parallel()
	needRoot(t, "to be two other users")
	v := newVault(t, true)
	more := "[profile coded]\nsource_profile = security\nmfa_serial = arn:aws:iam::123456789012:mfa/gruntwork\n" +
		"role_arn = arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts\nduration_seconds = 7200\nmfa_process = sh seen; exit 1\n" +
		"[profile given]\ncredential_process = sh seen; exit 1\n"
	v.write(playground.Config+more, ".aws", "config")
	v.write("(\n"+belongings+"\n) >now\n", "seen")
	v.must(os.Chown(v.path("seen"), ownerID, ownerID))
	v.must(os.Chown(v.path(".aws", "config"), ownerID, ownerID))
	v.run(v.passphrase, "fob export --check dev -t "+v.code())
	for _, given := range []string{
		"umask 022",
		"umask 0; ulimit -c unlimited; ulimit -S -n 300",
		"umask 077; ulimit -c 0; ulimit -S -n 500; trap '' INT",
		"umask 027; ulimit -S -c 8; ulimit -H -n 600; ulimit -f 100000; trap '' HUP INT",
	} {
		want := v.run(v.passphrase, given+"; (sh -c 'sh seen; exec sh seen'); cat now; rm now")
		for name, line := range map[string]string{
			"command of fob":      "fob exec dev -- sh seen",
			"command of fob-core": "fob exec --debug dev -- sh seen", // fob leaves that flag to it
			"mfa_process":         "fob export --check coded",
			"credential_process":  "fob export --check given",
		} {
			got := v.sh(given + "; " + line + " >said 2>&1; cat now; rm now")
			if diff := cmp.Diff(want, got.out); diff != "" {
				t.Errorf("%s; %s (-want +got): %s", given, name, diff)
			}
		}
	}
	if !strings.Contains(v.run(v.passphrase, "sh seen; cat now"), "dumpable by 47101") {
		t.Error("it cannot be told who may dump a process")
	}
}
