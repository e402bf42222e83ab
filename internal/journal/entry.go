package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/closewait/closewait/internal/report"
)

// statusWidth is the room for a status in the file: the longest, with its quotes.
const statusWidth = len(`"already"`)

var errShape = errors.New("not an entry of the journal")

// encode writes an entry: all but the steps on the first line, and each step on a line of its own, which ends in the room for its status. places are the offsets of
// these rooms.
func encode(entry *report.Journal) (b []byte, places []int64, err error) {
	head := *entry
	head.Steps = nil
	if b, err = json.Marshal(&head); err != nil {
		return nil, nil, err
	}
	b, ok := bytes.CutSuffix(b, []byte("null}"))
	if !ok {
		return nil, nil, errShape
	}
	b = append(b, '[')
	for i := range entry.Steps {
		step := entry.Steps[i]
		step.Status = nil
		line, err := json.Marshal(&step)
		if err != nil {
			return nil, nil, err
		}
		line, ok := bytes.CutSuffix(line, []byte("null}"))
		if !ok {
			return nil, nil, errShape
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, '\n'), line...)
		places = append(places, int64(len(b)))
		b = append(append(b, padded(entry.Steps[i].Status)...), '}')
	}
	return append(b, "\n]}\n"...), places, nil
}

// padded is a status as JSON, in the width of its room.
func padded(status *string) []byte {
	room := bytes.Repeat([]byte{' '}, statusWidth)
	copy(room, "null")
	if status != nil {
		copy(room, `"`+*status+`"`)
	}
	return room
}

func decode(b []byte) (*report.Journal, error) {
	entry := &report.Journal{}
	if err := json.Unmarshal(b, entry); err != nil {
		return nil, err
	}
	return entry, check(entry)
}

// decodeHead decodes the first line alone.
func decodeHead(b []byte) (*report.Journal, error) {
	line, _, ok := bytes.Cut(b, []byte{'\n'})
	if !ok {
		return nil, errShape
	}
	entry := &report.Journal{}
	if err := json.Unmarshal(append(bytes.Clone(line), "]}"...), entry); err != nil {
		return nil, err
	}
	return entry, check(entry)
}

func check(entry *report.Journal) error {
	if entry.Kind != "Journal" || !ValidID(entry.ID) {
		return errShape
	}
	return nil
}

// Undoable reports whether something of a change can be taken back.
func Undoable(entry *report.Journal) bool {
	return entry.State != report.JournalUndone && entry.State != report.JournalRolledBack && slices.ContainsFunc(entry.Steps, func(s report.StepResult) bool { return TakesBack(&s) })
}

// TakesBack reports whether a step has to be looked at when its change is taken back: it was made, or nobody knows.
func TakesBack(s *report.StepResult) bool {
	return s.Undoable && (s.Status == nil || *s.Status == report.StatusDone || *s.Status == report.StatusFailed)
}
