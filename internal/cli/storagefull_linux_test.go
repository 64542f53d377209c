package cli

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cramped is a place that has no room for a change of the store. add is what it
// means for a program to add a key there: it fails and says why, the vault is
// byte for byte what it was, and nothing else is left; with room, it succeeds.
type cramped struct {
	name   string
	size   string // the options of a file system in memory for the store; "": none
	fill   string // makes it full
	before string // of the line that starts the program
	why    string // the system's reason
	room   string // makes room again
}

func crampedPlaces() []cramped {
	const toTheLastBlock = "cat /dev/zero >STORE/filler 2>/dev/null || true; test -s STORE/filler"
	return []cramped{
		{name: "full to the last block", size: "size=64k", fill: toTheLastBlock, why: "no space left on device", room: "rm STORE/filler"},
		// 20 KiB hold less than the two files of 8 KiB and the small ones that a change writes.
		{name: "12 KiB free", size: "size=64k", fill: toTheLastBlock + "; head -c $(($(wc -c <STORE/filler) - 12288)) /dev/zero >filler; cat filler >STORE/filler", why: "no space left on device", room: "rm STORE/filler"},
		{name: "no inode free", size: "nr_inodes=64", fill: "i=0; while true >STORE/filler$i; do i=$((i+1)); done 2>/dev/null; test $i -gt 9", why: "no space left on device", room: "rm STORE/filler*"},
		{name: "no file may grow", before: "ulimit -f 0; ", why: "file too large", room: ":"},
	}
}

func (c cramped) mounts(h *house) string {
	if c.size == "" {
		return ":"
	}
	return fmt.Sprintf("mkdir kept; cp -a %[1]s/. kept; mount -t tmpfs -o %[2]s,mode=0700,uid=%[3]d,gid=%[3]d fob %[1]s; cp -a kept/. %[1]s", h.data(), c.size, nobody)
}

// complaints runs a program in the place and says what is wrong with how it
// behaves.
func (c cramped) complaints(h *house, program string) (wrong []string) {
	script := "fob unlock <&- 2>&-\n" + c.fill + `
cp STORE/vault.age before; ls -A STORE >names
(` + c.before + `exec "$@" <&-); echo $? >status
cmp -s before STORE/vault.age || echo ` + vaultChanged + `
ls -A STORE | diff names - || echo other files are there
` + c.room + `
fob add other --env --no-add-config >&2 <&- || echo with room it does not work
fob list --credentials`
	got := h.mounted(c.mounts(h), script, program, "add", "other", "--env", "--no-add-config")
	if got.out != "other\nplain\n" {
		wrong = append(wrong, got.out)
	}
	said, after, _ := strings.Cut(got.errors, "stored the key")
	if !strings.Contains(said, "cannot write the store") || !strings.Contains(said, c.why) || after == "" {
		wrong = append(wrong, "it says "+got.errors)
	}
	if strings.Contains(h.read("status"), "0") {
		wrong = append(wrong, "it succeeds")
	}
	return wrong
}

// mounted is what sh gives after root has run another script first: its mounts
// are seen by this one run only and go with it.
func (h *house) mounted(mounts, script string, args ...string) ran {
	h.t.Helper()
	attr, enter := h.attr, h.enter
	defer func() { h.attr, h.enter = attr, enter }()
	h.attr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	h.enter = []string{"sh", "-c", fmt.Sprintf("set -e\n%s\nexec setpriv --reuid=%d --regid=%d --clear-groups \"$@\"", mounts, nobody, nobody), "sh"}
	return h.sh(strings.ReplaceAll(script, "STORE", h.data()), args...)
}

// A store without room is the old one, and says so.
func TestFullStore(t *testing.T) {
	t.Parallel()
	needRoot(t, "to mount a small file system")
	needTools(t, "mount", "setpriv")
	first := newHouse(t)
	first.store()
	for _, tc := range crampedPlaces() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, program := range []string{"fob", "naive"} {
				h := newHouse(t)
				key, secret := h.env["AWS_ACCESS_KEY_ID"], h.env["AWS_SECRET_ACCESS_KEY"]
				h.storeOf(first)
				h.asNobody()
				h.env["AWS_ACCESS_KEY_ID"], h.env["AWS_SECRET_ACCESS_KEY"] = key, secret
				wrong := tc.complaints(h, program)
				if program == "fob" && len(wrong) > 0 {
					t.Errorf("fob: %q", wrong)
				}
				if program == "naive" && !strings.Contains(fmt.Sprint(wrong), vaultChanged) {
					t.Error("a program that writes in place went unnoticed")
				}
			}
		})
	}
}

// On a full disk nobody is asked for a code that could not be noted as sent: of
// many runs that wait, each would ask for one.
func TestFullStoreAsksNobody(t *testing.T) {
	t.Parallel()
	needRoot(t, "to mount a small file system")
	needTools(t, "mount", "setpriv")
	h := newHouse(t)
	h.store()
	h.write(roleBehindPlain+"mfa_serial = arn:aws:iam::123456789012:mfa/plain\nmfa_process = sh -c 'echo asked >>"+h.path("asked")+"; echo 123456'\n", ".aws", "config")
	h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = h.aws.URL, "true"
	h.asNobody()
	place := crampedPlaces()[0]
	place.size = "size=128k" // with room for the record and the locks of steps
	script := "fob unlock <&- 2>&-\n" + place.fill + `
for i in 1 2 3 4 5; do fob export x <&- & done; wait
test -e asked && echo somebody was asked
` + place.room + `
fob export x <&- 2>&-
test -e asked && echo with room somebody is asked`
	got := h.mounted(place.mounts(h), script)
	if got.out != "with room somebody is asked\n" || strings.Count(got.errors, "fob: cannot get credentials") != 5 || strings.Count(got.errors, place.why) != 5 {
		t.Errorf("%+v", got)
	}
}

// With a home that is mounted read-only, what needs no writing works: exec and
// export from the cache, list and explain. What writes fails in one message, and
// nothing is sent to AWS.
func TestReadOnlyHome(t *testing.T) {
	t.Parallel()
	needRoot(t, "to mount a home read-only")
	needTools(t, "mount", "setpriv")
	h := newHouse(t)
	h.store()
	h.write(strings.ReplaceAll(oddConfig, "URL", h.aws.URL), ".aws", "config")
	h.asNobody()
	if got := h.fob("exec", "r", "--", "true"); got.status != 0 {
		t.Fatal(got)
	}
	const readOnly = "read-only file system"
	before := h.files()
	h.aws.ClearAudit()
	mount := fmt.Sprintf("mount --bind %[1]s %[1]s; mount -o remount,bind,ro %[1]s; ! touch %[1]s/x 2>&-", h.home)
	h.env["AWS_ACCESS_KEY_ID"], h.env["AWS_SECRET_ACCESS_KEY"] = "AKIAABCDEFGHIJKLMNOP", "CANARYCANARYCANARY"
	for script, want := range map[string]ran{
		"fob exec r -- echo done":                               {out: "done\n"},
		"fob export r --format json | grep -o CANARY | sort -u": {out: "CANARY\n"},
		"fob list --credentials":                                {out: "plain\n"},
		"fob list --sessions | wc -l":                           {out: "1\n"},
		"fob explain r >/dev/null":                              {},
		"fob status >/dev/null":                                 {},
		"fob add other --env --no-add-config":                   {status: 6, errors: readOnly},
		"fob add other --env":                                   {status: 6, errors: readOnly},
		"fob remove -f plain":                                   {status: 6, errors: readOnly},
		"fob clear":                                             {status: 6, errors: readOnly},
		"fob rotate plain":                                      {status: 6, errors: readOnly},
		"fob exec mfa -t 123456 -- true":                        {status: 125, errors: readOnly},
	} {
		got := h.mounted(mount, script)
		if got.status != want.status || got.out != want.out || !strings.Contains(got.errors, want.errors) || want.errors != "" && !strings.HasPrefix(got.errors, "fob: cannot write the store\n") || strings.Count(got.errors, "fob: ") > 1 || want.errors == "" && got.errors != "" {
			t.Errorf("%s: got %+v, want %+v", script, got, want)
		}
	}
	if diff := cmp.Diff(before, h.files()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	if calls := h.calls(); len(calls) > 0 {
		t.Errorf("calls to AWS: %q", calls)
	}
}
