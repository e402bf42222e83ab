package journal

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/report"
)

// Pending returns the entries that want attention, without their steps, the latest first: those that were interrupted, and those that wait to be confirmed. While
// another closewait holds the lock an open entry may be the one it is making, so none is returned then.
func (d Dir) Pending() ([]report.Journal, error) {
	heads, err := d.Heads()
	busy := d.locked()
	return slices.DeleteFunc(heads, func(e report.Journal) bool {
		return !(e.State == report.JournalOpen && !busy || Unconfirmed(&e))
	}), err
}

// Unconfirmed reports whether a change waits to be confirmed.
func Unconfirmed(e *report.Journal) bool {
	return e.State == report.JournalDone && e.ConfirmBy != nil && e.ConfirmedAt == nil
}

// locked reports whether another closewait holds the lock.
func (d Dir) locked() bool {
	file, err := os.Open(filepath.Join(d.path, "lock"))
	if err != nil {
		return false
	}
	defer file.Close()
	lock := unix.Flock_t{Type: unix.F_RDLCK}
	return unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &lock) == nil && lock.Type != unix.F_UNLCK
}
