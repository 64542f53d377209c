package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The key that the rows below add.
const (
	otherKey    = "AKIAABCDEFGHIJKLMNOP"
	otherSecret = "CANARYCANARYCANARYCANARYCANARYCANARYCANA"
)

// private prints what below a place others may use, or its owner not.
const private = "; umask 022; find WHERE ! \\( -type d -perm 700 -o -type f -perm 600 \\)"

// oddStores are stores, homes and umasks that are odd, as a user without rights
// meets them. Each names a test of docs/tests-of-storage.md.
func oddStores() []odd {
	key := func(more ...string) map[string]string {
		m := map[string]string{"AWS_ACCESS_KEY_ID": otherKey, "AWS_SECRET_ACCESS_KEY": otherSecret}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	const (
		add  = "fob add x --env"
		made = "; s=$?; ls -A . here data 2>/dev/null | grep -x -e gone -e here -e data -e fob; exit $s"
	)
	chown := func(uid int, name ...string) func(*house) {
		return func(h *house) { h.must(os.Chown(h.data(name...), uid, uid)) }
	}
	return []odd{
		// 25: homes. The working directory is HOME of the others.
		{name: "25 HOME unset", env: key("HOME", "-"), script: add + made, status: 1, want: []string{"HOME is not set to an absolute path", "set HOME"}},
		{name: "25 HOME empty", env: key("HOME", ""), script: add + made, status: 1, want: []string{"HOME is not set to an absolute path", "set HOME"}},
		{name: "25 HOME relative", env: key("HOME", "here"), script: add + made, status: 1, want: []string{"HOME is not set to an absolute path", "set HOME"}},
		{name: "25 HOME missing", env: key("HOME", "HOME/gone"), script: add + made, status: 1, want: []string{"HOME/gone", "no such file or directory", "set HOME"}},
		{name: "25 HOME=/nonexistent", env: key("HOME", "/nonexistent"), script: add + made, status: 1, want: []string{"/nonexistent", "set HOME"}},
		{name: "25 HOME missing, other commands", env: key("HOME", "HOME/gone"), script: "for c in 'clear' 'lock' 'unlock' 'list' 'status' 'remove -f plain' 'login r -s' 'rotate plain' 'sdk-config'; do fob $c; done >/dev/null 2>&1; test ! -e gone", quiet: true},
		{name: "25 HOME missing, sdk-config", env: key("HOME", "HOME/gone"), script: "fob sdk-config" + made, status: 3, want: []string{"HOME/gone", "no such file or directory"}},

		// 26: relative XDG directories count as unset.
		{name: "26 XDG_DATA_HOME relative", env: key("XDG_DATA_HOME", "data"), script: add + made + "; test $s = 0", want: []string{"stored the key"}},
		{name: "26 XDG_RUNTIME_DIR relative", env: key("XDG_RUNTIME_DIR", "here"), script: "mkdir -m 700 here; fob exec plain -- true; ls -A here", quiet: true},

		// 27: umasks that give away everything, or nothing.
		{name: "27 umask 000", env: key("HOME", "HOME/h"), script: "mkdir -m 700 h; umask 000; fob add x --env 2>&-" + strings.ReplaceAll(private, "WHERE", "h run")},
		{name: "27 umask 0777", env: key("HOME", "HOME/h"), script: "mkdir -m 700 h; umask 0777; fob add x --env 2>&- && fob list --credentials" + strings.ReplaceAll(private, "WHERE", "h run"), out: "x\n"},
		{name: "27 umask 000, a store that is there", env: key("AWS_ENDPOINT_URL", "URL"), script: "umask 000; fob exec r -- true; fob add x --env 2>&-" + strings.ReplaceAll(private, "WHERE", "STORE run"), quiet: true},

		// 28: open to others, or somebody else's.
		{name: "28 vault 0644", script: "chmod 644 STORE/vault.age; fob export plain", status: 6, want: []string{"chmod 600 STORE/vault.age\n"}},
		{name: "28 slot 0640", script: "chmod 640 STORE/slots/passphrase.age; fob export plain", status: 6, want: []string{"chmod 600 STORE/slots/passphrase.age\n"}},
		{name: "28 folder 0755", script: "chmod 755 STORE; fob export plain", status: 6, want: []string{"chmod 700 STORE\n"}},
		{name: "28 folder 0777", script: "chmod 777 STORE; fob export plain", status: 6, want: []string{"chmod 700 STORE\n"}},
		{name: "28 another user's vault", spoil: chown(stranger, "vault.age"), status: 6, want: []string{"vault.age is refused: it belongs to user 65533", "ls -ld STORE/vault.age\n"}},
		{name: "28 another user's folder", spoil: chown(stranger), status: 6, want: []string{"fob is refused: it belongs to user 65533", "ls -ld STORE\n"}},
		{name: "28 root's vault", spoil: chown(0, "vault.age"), status: 6, want: []string{"vault.age is refused: it belongs to user 0", "sudo chown -R 65534 STORE/vault.age\n"}},
		{name: "28 root's folder", spoil: chown(0), status: 6, want: []string{"fob is refused: it belongs to user 0", "sudo chown -R 65534 STORE\n"}},
		{name: "28 root's lock", env: key(), spoil: chown(0, "vault.lock"), script: add, status: 6, want: []string{"vault.lock is refused: it belongs to user 0", "sudo chown -R 65534 STORE/vault.lock\n"}},

		// 29: no file at all.
		{name: "29 FIFO", script: "rm STORE/vault.age; mkfifo STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age is refused: it is not a regular file"}},
		{name: "29 socket", spoil: func(h *house) {
			h.must(os.Remove(h.data("vault.age")))
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			h.must(err)
			h.t.Cleanup(func() { _ = syscall.Close(fd) })
			h.must(syscall.Bind(fd, &syscall.SockaddrUnix{Name: h.path("s")})) // the name of a socket is short
			h.must(os.Lchown(h.path("s"), nobody, nobody))
			h.must(os.Rename(h.path("s"), h.data("vault.age")))
		}, status: 6, want: []string{"vault.age is refused: it is not a regular file"}},
		{name: "29 directory", script: "rm STORE/vault.age; mkdir STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age is refused: it is not a regular file"}},
		{name: "29 /dev/zero", script: "ln -sf /dev/zero STORE/vault.age; fob export plain", status: 6, want: []string{"/dev/zero is refused: it is not a regular file"}},
		{name: "29 /dev/full", script: "ln -sf /dev/full STORE/vault.age; fob export plain", status: 6, want: []string{"/dev/full is refused: it is not a regular file"}},
		{name: "29 circle of links", script: "ln -sf vault.age STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age is a symbolic link that leads nowhere"}},
		{name: "29 slot is /dev/zero", script: "ln -sf /dev/zero STORE/slots/passphrase.age; fob export plain", status: 6, want: []string{"passphrase.age is refused: it is a symbolic link"}},
		{name: "29 vault of 1 GiB of nothing", script: ": >STORE/vault.age; truncate -s 1G STORE/vault.age; fob export plain", status: 6, want: []string{"is larger than 8 MiB"}},
		{name: "29 config is /dev/zero", script: "ln -sf /dev/zero .aws/config; fob export plain", status: 3, want: []string{"no regular file"}},

		// 30: a link of one's own stays, and what it leads to is replaced as a whole.
		{name: "30 vault among dotfiles", env: key(), script: "mkdir dotfiles; mv STORE/vault.age dotfiles/v; ln -s ../../../dotfiles/v STORE/vault.age; stat -c %i dotfiles/v >was; " +
			add + " --no-add-config 2>&- && readlink STORE/vault.age; stat -c %i dotfiles/v | cmp -s was && echo in place; fob list --credentials", out: "../../../dotfiles/v\nplain\nx\n"},

		// 33: a second name.
		{name: "33 vault has two names", script: "ln STORE/vault.age v; fob export plain", status: 6, want: []string{"vault.age is refused: it has 2 names (hard links)"}},

		// 37: what is no vault, with the copy before it.
		{name: "37 empty", script: ": >STORE/vault.age; fob export plain", status: 6, want: []string{"vault.age is empty", "cp -p STORE/vault.age.prev STORE/vault.age\n"}},
		{name: "37 one byte", script: "printf a >STORE/vault.age; fob export plain", status: 6, want: []string{"not an age file", "cp -p STORE/vault.age.prev STORE/vault.age\n"}},
		{name: "37 8 MiB and a byte", script: "head -c 8388609 /dev/urandom >STORE/vault.age; fob export plain", status: 6, want: []string{"is larger than 8 MiB", "cp -p STORE/vault.age.prev STORE/vault.age\n"}},
		{name: "37 random", script: "head -c 4500 /dev/urandom >STORE/vault.age; fob export plain", status: 6, want: []string{"not an age file", "cp -p STORE/vault.age.prev STORE/vault.age\n"}},

		// 39: an older vault, put back.
		{name: "39 rolled back", env: key(), script: "cp STORE/vault.age old; " + add + " 2>&-; cat old >STORE/vault.age; fob export plain", status: 6, want: []string{"the store is older than the one last written here", "--accept-rollback"}},
		{name: "39 rolled back, accepted", env: key(), script: "cp STORE/vault.age old; " + add + " 2>&-; cat old >STORE/vault.age; fob exec plain --accept-rollback -- true && fob list --credentials", out: "plain\n"},
	}
}

// TestOddStores: whatever is in the place of the store, the program ends at once
// and with little memory, and says what is wrong and what repairs it.
func TestOddStores(t *testing.T) {
	t.Parallel()
	needRoot(t, "to make another user's files")
	first := newHouse(t)
	first.store()
	for _, tc := range oddStores() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.storeOf(first)
			for i, part := range tc.want {
				tc.want[i] = strings.NewReplacer("HOME/", h.home+"/", "STORE", h.data()).Replace(part)
			}
			h.measured()
			tc.run(h)
			if took, kib := h.took(); took > time.Second || kib > 100<<10 && !raced {
				t.Errorf("took %v and %d KiB", took, kib)
			}
		})
	}
}

// The vault or the slots of another store are refused, also where both have one
// passphrase; a store as a whole is another one.
func TestForeignStores(t *testing.T) {
	t.Parallel()
	mine, theirs := newHouse(t), newHouse(t)
	mine.store()
	theirs.store()
	for name, foreign := range map[string]string{"36 another's vault": "vault.age", "36 another's slot": "slots/passphrase.age"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.storeOf(mine)
			text, err := os.ReadFile(theirs.data(foreign))
			h.must(err)
			h.must(os.WriteFile(h.data(foreign), text, 0o600))
			h.asNobody()
			before := h.files()
			for _, script := range []string{"fob export plain", "fob unlock", "fob remove -f plain"} {
				got := h.sh(script)
				if got.status != 6 || got.out != "" || !strings.Contains(got.errors, "vault.age belongs to another identity, or its header is damaged") {
					t.Errorf("%s: %+v", script, got)
				}
			}
			if diff := cmp.Diff(before, h.files()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
		})
	}
}
