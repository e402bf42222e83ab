package remedies

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// Case is a finding with what advice depends on.
type Case struct {
	*report.Finding
	// holders are the processes that hold the sockets, as far as they are known, by pid.
	holders []*look.Process
	runtime Runtime // of the first holder
	// of finds other processes: those of culprits.
	of map[int]*look.Process
}

// plan is what is known of one cause: a row of plans.
type plan struct {
	// help makes the remedies, the best first. nil means that nothing needs to be done or nothing can.
	help func(*Case) []report.Remedy
	// not is the popular advice that does not apply.
	not func(*Case) []report.NotRemedy
}

// Advise fills in what helps against a finding, what does not, where the mistake is to be looked for and which commands show the figures again. The finding must
// be complete otherwise. processes are those of the look, by pid; they may be nil.
func Advise(f *report.Finding, processes map[int]*look.Process) {
	c := newCase(f, processes)
	f.Remedies, f.NotRemedies = []report.Remedy{}, []report.NotRemedy{}
	if p, ok := plans[f.Code]; ok {
		if p.help != nil {
			f.Remedies = append(f.Remedies, p.help(c)...)
		}
		if p.not != nil {
			f.NotRemedies = append(f.NotRemedies, p.not(c)...)
		}
	}
	f.Bug, f.Verify = c.bug(), c.verify()
}

func newCase(f *report.Finding, processes map[int]*look.Process) *Case {
	c := &Case{Finding: f, of: processes}
	for i := range f.Processes {
		if p := processes[f.Processes[i].PID]; p != nil {
			c.holders = append(c.holders, p)
		}
	}
	slices.SortFunc(c.holders, func(a, b *look.Process) int { return cmp.Compare(a.PID, b.PID) })
	for _, p := range c.holders {
		if c.runtime = RuntimeOf(p); c.runtime != "" {
			break // master and workers run the same
		}
	}
	return c
}

func (c *Case) is(role string) bool { return c.Role != nil && *c.Role == role }

// never reports whether it is known that no timer ends the sockets. Keepalive may, where it is on: then the end is not known, or at a moment.
func (c *Case) never() bool { return c.Ends.Kind == "never" }

// pids are the numbers of the holders.
func (c *Case) pids() []int {
	var pids []int
	for i := range c.Processes {
		pids = append(pids, c.Processes[i].PID)
	}
	return pids
}

// pid returns the first holder's number for a command, "PID" where it is not known.
func (c *Case) pid() string {
	if len(c.Processes) > 0 {
		return strconv.Itoa(c.Processes[0].PID)
	}
	return "PID"
}

// culprit returns the first culprit of a kind, nil if there is none.
func (c *Case) culprit(what ...string) *report.Culprit {
	for i := range c.Culprits {
		if slices.Contains(what, c.Culprits[i].What) {
			return &c.Culprits[i]
		}
	}
	return nil
}
