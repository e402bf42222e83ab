package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/journal"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

func (a *app) changesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "changes [ID]",
		Short:   "what was changed by closewait, when and by whom",
		Example: "sudo closewait changes\nsudo closewait changes 91d4 -o json   # all of one",
		Long: `The journal is kept in /var/lib/closewait/changes, or for others than root in
$XDG_STATE_HOME/closewait/changes, one file for each change.`,
		Args: atMostOne,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return a.oneChange(wantedID(args))
			}
			return a.changes()
		},
	}
}

// journals are the directories that may hold entries, for reading.
func (a *app) journals() []journal.Dir {
	var dirs []journal.Dir
	if a.cfg.States != nil {
		for _, state := range a.cfg.States() {
			dirs = append(dirs, journal.At(state))
		}
	}
	return dirs
}

// changes lists the entries of the journal.
func (a *app) changes() error {
	list := report.ChangeList{Header: a.header("ChangeList"), Changes: []report.ChangeEntry{}}
	for _, dir := range a.journals() {
		heads, err := dir.Heads()
		if err != nil {
			list.Incomplete = append(list.Incomplete, report.Incomplete{Code: "journal", Message: err.Error()})
		}
		for i := range heads {
			entry, err := dir.Read(heads[i].ID)
			if err != nil {
				list.Incomplete = append(list.Incomplete, report.Incomplete{Code: "journal", Message: err.Error()})
				entry = &heads[i]
			}
			list.Changes = append(list.Changes, changeEntry(entry))
		}
	}
	for _, n := range list.Incomplete {
		a.note("%s", n.Message)
	}
	names := make([]string, len(list.Changes))
	for i := range list.Changes {
		names[i] = list.Changes[i].ID
	}
	return a.documents(list, names, func() (titles []string, rows [][]string) { return changeTable(list.Changes) })
}

// documents writes one with many entries as the flags want it: as JSON, as names, or as rows with titles.
func (a *app) documents(doc any, names []string, table func() (titles []string, rows [][]string)) error {
	switch {
	case a.flags.json():
		return a.writeObject(doc)
	case a.flags.output == formatName:
		for _, name := range names {
			fmt.Fprintln(a.out, name)
		}
		return nil
	}
	titles, rows := table()
	if a.tabular() {
		return render.Text(a.out, titles, rows, !a.flags.noHeaders, a.style())
	}
	return render.TextTSV(a.out, titles, rows, a.flags.headers)
}

// oneChange prints one entry whole.
func (a *app) oneChange(id string) error {
	var failed error
	for _, dir := range a.journals() {
		entry, err := dir.Read(id)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if a.flags.json() {
			return a.writeObject(entry)
		}
		return render.Outcome(a.out, resultOf(entry), a.style())
	}
	return changeError(id, failed)
}

// resultOf shows an entry as the result it once was.
func resultOf(entry *report.Journal) *report.Result {
	r := &report.Result{Header: entry.Header, ChangeHead: entry.ChangeHead, Steps: entry.Steps}
	if journal.Unconfirmed(entry) {
		r.ConfirmBy = entry.ConfirmBy
	}
	r.Action += ", " + stateWords(entry)
	return r
}

func changeEntry(e *report.Journal) report.ChangeEntry {
	c := report.ChangeEntry{
		ID: e.ID, Action: e.Action, State: e.State, Who: e.Who, StartedAt: e.StartedAt, FinishedAt: e.FinishedAt, ConfirmBy: e.ConfirmBy,
		ConfirmedAt: e.ConfirmedAt, Undoes: e.Undoes, UndoneBy: e.UndoneBy, Steps: map[string]int{}, Summary: summary(e.Steps),
	}
	for i := range e.Steps {
		if status := e.Steps[i].Status; status != nil {
			c.Steps[*status]++
		} else {
			c.Steps["pending"]++
		}
	}
	if journal.Undoable(e) {
		c.Undo = new("closewait undo " + e.ID)
	}
	return c
}

func changeTable(changes []report.ChangeEntry) (titles []string, rows [][]string) {
	for i := range changes {
		c := &changes[i]
		rows = append(rows, []string{
			c.ID, c.StartedAt.UTC().Format("2006-01-02T15:04:05Z"), by(c.Who), c.Action, c.State, counts(c.Steps), c.Summary,
		})
	}
	return []string{"id", "started_at", "by", "action", "state", "steps", "what"}, rows
}

// by names who made a change: the user behind sudo, else the uid.
func by(w report.Who) string {
	if w.SudoUser != nil {
		return *w.SudoUser
	}
	return "uid " + strconv.Itoa(w.UID)
}

// counts writes the steps by their status, in the order of the contract.
func counts(steps map[string]int) string {
	var parts []string
	for _, status := range []string{report.StatusDone, report.StatusAlready, report.StatusGone, report.StatusRefused, report.StatusFailed, "pending"} {
		if n := steps[status]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+status)
		}
	}
	return strings.Join(parts, ", ")
}

// summaryMore is the line for what is not listed.
func summaryMore(n int) string { return "and " + strconv.Itoa(n) + " more" }

// stateWords says where an entry stands.
func stateWords(e *report.Journal) string {
	switch {
	case e.State == report.JournalOpen:
		return "interrupted"
	case journal.Unconfirmed(e):
		return "not confirmed"
	}
	return strings.ReplaceAll(e.State, "_", " ")
}
