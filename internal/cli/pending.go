package cli

import (
	"slices"

	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/report"
)

// tellsPending reports whether a verb begins with what was left open: those that look or plan do. The others are about the changes themselves, or about nothing on
// this host.
func tellsPending(verb string) bool {
	return slices.Contains([]string{"closewait", "status", "ls", "when", "record", "report", "tune", "limit", "close", "apply"}, verb)
}

// tellPending says which changes were left open: it is the first thing the next command does, whoever was killed before. A journal that may not be read belongs to
// somebody else, who will be told.
func (a *app) tellPending() {
	for _, dir := range a.journals() {
		pending, _ := dir.Pending()
		for i := range pending {
			a.note("%s", a.pendingNote(&pending[i]))
		}
	}
}

func (a *app) pendingNote(e *report.Journal) string {
	change := "change " + e.ID + " (" + e.Action + ", " + e.StartedAt.UTC().Format("2006-01-02 15:04:05") + "Z) "
	ways := ": closewait undo " + e.ID + " takes it back, closewait confirm " + e.ID + " keeps it"
	switch {
	case !journal.Unconfirmed(e) && e.Undoes != nil:
		return change + "was interrupted while it took back " + *e.Undoes + ": closewait undo " + *e.Undoes + " completes it"
	case !journal.Unconfirmed(e):
		return change + "was interrupted" + ways
	case a.cfg.Now().After(*e.ConfirmBy):
		return change + "was not confirmed and should have taken itself back" + ways
	}
	return change + "takes itself back at " + e.ConfirmBy.UTC().Format("15:04:05") + "Z" + ways
}
