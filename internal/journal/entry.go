package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/closewait/closewait/internal/report"
)

var errShape = errors.New("not an entry of the journal")

// encodeHead writes all of an entry but its steps: the first line of its file.
func encodeHead(entry *report.Journal) ([]byte, error) {
	head := *entry
	head.Steps = nil
	b, err := json.Marshal(&head)
	if err != nil {
		return nil, err
	}
	b, ok := bytes.CutSuffix(b, []byte("null}"))
	if !ok {
		return nil, errShape
	}
	return append(b, '['), nil
}

// steps are the other lines, one for each step. It ends in a room of fixed width for what becomes of the step.
type steps struct {
	text []byte
	// rooms are the offsets of these rooms.
	rooms []int
}

// encodeSteps writes the steps of an entry.
func encodeSteps(list []report.StepResult) *steps {
	s := &steps{rooms: make([]int, 0, len(list))}
	for i := range list {
		if i > 0 {
			s.text = append(s.text, ',')
		}
		s.text = append(s.text, '\n')
		begin := len(s.text)
		s.text = list[i].Append(s.text)
		s.text = append(s.text[:len(s.text)-1], `,"error":null,`...) // it goes on
		if text := list[i].Error; text != nil {
			s.text = append(report.AppendText(s.text[:len(s.text)-len("null,")], *text), ',')
		}
		s.rooms = append(s.rooms, len(s.text))
		s.text = append(appendRoom(s.text, &list[i]), '}')
		if i == 0 {
			s.text = slices.Grow(s.text, (len(s.text)-begin+len(",\n"))*len(list)*9/8) // they are all much the same
		}
	}
	s.text = append(s.text, "\n]}\n"...)
	return s
}

// note puts what has become of steps from i on into their rooms, and returns the part of the text that has changed, with its offset.
func (s *steps) note(i int, list []report.StepResult) (changed []byte, at int) {
	for k := range list {
		appendRoom(s.text[:s.rooms[i+k]], &list[k])
	}
	last := s.rooms[i+len(list)-1]
	return s.text[s.rooms[i] : last+roomWidth], s.rooms[i]
}

// roomWidth is that of the longest.
const roomWidth = len(`"verified":false,"status":"already"`)

func appendRoom(b []byte, r *report.StepResult) []byte {
	begin := len(b)
	b = strconv.AppendBool(append(b, `"verified":`...), r.Verified)
	b = append(b, `,"status":`...)
	if r.Status == nil {
		b = append(b, "null"...)
	} else {
		b = append(append(append(b, '"'), *r.Status...), '"')
	}
	for len(b) < begin+roomWidth {
		b = append(b, ' ')
	}
	return b
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
