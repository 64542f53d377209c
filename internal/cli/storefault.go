package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"fob/internal/fault"
	"fob/internal/keep/lock"
	"fob/internal/keep/store"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/broker"
)

// storeFault tells a person what is wrong with the store.
func storeFault(err error) error {
	if done := (*fault.Error)(nil); err == nil || errors.As(err, &done) || errors.Is(err, context.Canceled) || errors.Is(err, broker.ErrShut) {
		return err
	}
	f := &fault.Error{What: "cannot open the store", Why: err, Code: fault.Locked}
	var (
		damaged *store.DamagedError
		newer   *store.NewerError
		rolled  *store.RolledBackError
		unsafe  *lock.UnsafeError
		wrong   *unlock.WrongError
		answer  *unlock.AnswerError
		stuck   *lock.StuckError
		busy    *lock.BusyError
		durable *lock.NotDurableError
		slot    *unlock.SlotError
		outside *unlock.KeeperError
		write   *lock.WriteError
	)
	switch {
	case errors.As(err, &wrong):
		f.What, f.Next = "wrong "+wrong.What, []string{"try again", otherWay(wrong.What)}
	case errors.As(err, &answer):
		f.What = "cannot use that " + answer.What
	case errors.As(err, &rolled):
		f.What = "the store is older than the one last written here"
		f.Next = []string{"if you restored it from a backup, or from vault.age.prev: add --accept-rollback, once", "else find out who replaced it: " + rolled.Path}
	case errors.As(err, &newer):
		f.Next = []string{"install the newer fob that wrote it"}
	case errors.As(err, &damaged) && damaged.Foreign:
		f.Next = append([]string{"the slot may be another store's: see what else opens this one (fob store), and name it: --backend WAY"}, damaged.Next...)
	case errors.As(err, &damaged):
		f.Next = damaged.Next
	case errors.Is(err, unlock.ErrUnattended):
		f.Code, f.Next = fault.Attend, attend(err)
	case errors.As(err, &outside):
		f.Next = append(mends(outside), "see what opens the store, and why the rest does not: fob store", "use the recovery code, if you made one: --backend recovery")
	case errors.As(err, &slot), errors.Is(err, unlock.ErrNoSlot):
		f.Next = []string{"put the file back from a backup"}
		if slot == nil || filepath.Base(slot.Path) != recoveryKind+".age" {
			f.Next = append([]string{"use the recovery code, if you made one: --backend recovery"}, f.Next...)
		}
	case errors.As(err, &durable):
		f.What, f.Next = "the store is saved, but the disk has not confirmed it", []string{"check the disk, then: fob list"}
	case errors.As(err, &unsafe):
		f.Next = mend(unsafe)
	case errors.As(err, &stuck):
		f.Next = []string{fmt.Sprintf("end that process: kill %d", stuck.Holder.PID)}
	case errors.As(err, &busy):
		f.Next = []string{"answer its question, or end it", "wait longer: --timeout 10m"}
	case errors.As(err, &write), errors.Is(err, syscall.EROFS):
		f.What = "cannot write the store"
		f.Next = writable(write)
	}
	return f
}

// attend is what helps where a keeper has to ask, and may not.
func attend(err error) []string {
	next, outside := []string(nil), (*unlock.KeeperError)(nil)
	if errors.As(err, &outside) {
		next = mends(outside)
	}
	if len(next) == 0 {
		next = []string{"run this at a terminal, without --no-input"}
	}
	return append(next, "where nobody ever is: a passphrase, which --passphrase-fd or FOB_PASSPHRASE gives (fob store use passphrase)")
}

// writable is what lets a file be written.
func writable(e *lock.WriteError) []string {
	switch {
	case e == nil:
	case errors.Is(e, syscall.ENOSPC), errors.Is(e, syscall.EDQUOT):
		return []string{"make room on that disk: df -h " + fault.Word(filepath.Dir(e.Path))}
	case errors.Is(e, fs.ErrPermission):
		return []string{"see who may write there: ls -ld " + fault.Word(filepath.Dir(e.Path))}
	}
	return nil
}

// otherWay names the way in that was not tried.
func otherWay(tried string) string {
	if tried == "recovery code" {
		return "or use the passphrase: --backend passphrase"
	}
	return "or use the recovery code, if you made one: --backend recovery"
}

func mends(e *unlock.KeeperError) []string {
	if e.Mend == "" {
		return nil
	}
	return []string{e.Mend}
}

// mendsOf is what is known to mend what a way in says.
func mendsOf(err error) []string {
	unsafe, outside := (*lock.UnsafeError)(nil), (*unlock.KeeperError)(nil)
	switch {
	case errors.As(err, &unsafe):
		return mend(unsafe)
	case errors.As(err, &outside):
		return mends(outside)
	}
	return nil
}

func mend(e *lock.UnsafeError) []string {
	if e.Mend == "" {
		return []string{"see what is there: ls -ld " + fault.Operand(e.Path)}
	}
	return []string{e.Mend}
}
