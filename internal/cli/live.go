package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// liveLook returns the Looker of the host this process runs on.
func liveLook(now func() time.Time) Looker {
	h := host.New(now)
	return func(ctx context.Context, q Query) (*Answer, error) { return lookLive(ctx, h, q) }
}

func lookLive(ctx context.Context, h *host.Host, q Query) (*Answer, error) {
	f, err := parseFilter(q.Filter, filterOptions())
	if err != nil {
		return nil, err
	}
	diagnosed := q.Findings || f.Needs().Has(filter.NeedCauses)
	r := request(q, f, diagnosed)
	if q.Threads {
		r.Inquire = withThreads(r.Inquire, f)
	}
	if q.Each != nil && !diagnosed && r.Holders == nil && q.If == nil {
		r.Each = eachMatch(f, q.Each)
	}
	snapshot, later, err := h.Look(ctx, r)
	if err != nil {
		return nil, lookError(err)
	}
	if r.Each != nil {
		return &Answer{Snapshot: snapshot, Report: makeReport(snapshot, &diagnose.Verdicts{})}, nil
	}
	return compose(q, f, snapshot, later, diagnosed)
}

// compose makes the answer to a question from a look, whoever took it.
func compose(q Query, f *filter.Filter, s *look.Snapshot, later []tcp.Socket, diagnosed bool) (answer *Answer, err error) {
	verdicts := &diagnose.Verdicts{}
	if diagnosed {
		verdicts = diagnose.Run(s, later)
	}
	answer = &Answer{Snapshot: s, Report: makeReport(s, verdicts)}
	switch {
	case !q.Rows:
	case q.Each != nil:
		err = newJoiner(s, verdicts, q.If).each(f, q.Each)
	default:
		answer.Rows = make([]look.Row, 0, s.Count())
		err = newJoiner(s, verdicts, q.If).each(f, func(r *look.Row) error {
			answer.Rows = append(answer.Rows, *r)
			return nil
		})
	}
	return answer, err
}

// eachMatch makes rows of sockets that are passing by and hands on those the filter selects.
func eachMatch(f *filter.Filter, each func(*look.Row) error) func(*look.Snapshot, *look.Namespace, *tcp.Socket) error {
	var row look.Row
	var model forecast.Model
	var of *look.Namespace
	var clock look.Clock
	whole := f.String() == ""
	return func(host *look.Snapshot, ns *look.Namespace, s *tcp.Socket) error {
		if of != ns || clock != host.Clock {
			model, of, clock = host.Model(ns), ns, host.Clock
		}
		row.Socket, row.Netns, row.Age, row.Ends, row.Holders = s, ns, diagnose.Age(s), model.Ends(s), nil
		if s.Inode == 0 {
			row.Holders = []look.Holder{}
		}
		if whole || f.Match(&row) {
			return each(&row)
		}
		return nil
	}
}

// filterOptions resolves names where the calling thread is: interfaces in its namespace, cgroups in the unified hierarchy.
func filterOptions() filter.Options {
	return filter.Options{
		Device: netns.Device,
		Cgroup: func(path string) (uint64, error) { return procfs.CgroupID("/sys/fs/cgroup", path) },
		Causes: report.CauseNames(), Codes: report.Codes(),
	}
}

func parseFilter(text string, options filter.Options) (*filter.Filter, error) {
	f, err := options.Parse(text)
	var syntax *filter.SyntaxError
	if errors.As(err, &syntax) {
		return nil, &Error{Exit: Usage, Code: "filter", Message: "filter: " + syntax.Message, Detail: syntax.Pointer(), Help: syntax.Hint, Err: err}
	}
	return f, err
}

// request asks the host for no more than the question needs. What the kernel can test, it tests while it dumps, unless findings are wanted: they are
// made from all sockets.
func request(q Query, f *filter.Filter, diagnosed bool) host.Request {
	owners := q.Owners || f.Needs().Has(filter.NeedOwners)
	r := host.Request{Netns: q.Netns, Dead: q.Findings && !q.Rows, OnlyConnected: !q.Rows}
	states, condition := f.States(), f.Condition()
	if diagnosed {
		r.Undecided = diagnose.Undecided
	} else {
		r.States = states
		r.Nothing = states == 0
		if condition != nil {
			r.Condition = func() (tcp.Condition, error) {
				here, err := parseFilter(q.Filter, filterOptions())
				if err != nil {
					return nil, err
				}
				return here.Condition(), nil
			}
		}
	}
	if owners || diagnosed {
		r.Holders = func(s *tcp.Socket) bool {
			return diagnosed && diagnose.Suspect(s) || owners && states.Has(s.State) && (condition == nil || condition.Match(s))
		}
	}
	return r
}

// mostAsked is of how many processes it is asked what they are doing, beyond what the diagnosis wants to know.
const mostAsked = 8

// withThreads asks also what the holders of the sockets are doing that a filter selects.
func withThreads(inquire func(*look.Snapshot) look.Wish, f *filter.Filter) func(*look.Snapshot) look.Wish {
	return func(s *look.Snapshot) look.Wish {
		var wish look.Wish
		if inquire != nil {
			wish = inquire(s)
		}
		asked := 0
		_ = newJoiner(s, &diagnose.Verdicts{}, nil).each(f, func(r *look.Row) error { // visit fails never
			for _, p := range r.Processes {
				if asked < mostAsked && p.Activity == nil && !slices.Contains(wish.Activity, p.PID) {
					asked++
					wish.Activity = append(wish.Activity, p.PID)
				}
			}
			return nil
		})
		return wish
	}
}

// lookError gives the errors of a look the words and exit codes of the contract.
func lookError(err error) error {
	var ns *netns.OpError
	var diag *inetdiag.OpError
	switch {
	case errors.As(err, &diag) && errors.Is(err, fs.ErrPermission): // the only thing a dump refuses (inet_diag_bc_audit)
		return &Error{
			Exit: Refused, Code: "not_permitted", Message: "filter: fwmark cannot be tested",
			Why: "the kernel tests and reports marks only with CAP_NET_ADMIN", Help: "run as root", Err: err,
		}
	case errors.As(err, &ns) && errors.Is(err, fs.ErrPermission):
		return &Error{
			Exit: Refused, Code: "not_permitted", Message: "network namespace " + ns.Path + " cannot be entered",
			Why: "not permitted", Help: "run as root (CAP_SYS_ADMIN and CAP_SYS_PTRACE)", Err: err,
		}
	case errors.As(err, &ns) && ns.Op == "select":
		return &Error{Exit: Usage, Code: "netns", Message: fmt.Sprintf("--netns %q: %v", ns.Path, ns.Err), Help: "ip netns list; a pid, a path or net:[INODE] is right, too", Err: err}
	}
	return err
}

// joiner joins what was found to each socket.
type joiner struct {
	snapshot *look.Snapshot
	verdicts *diagnose.Verdicts
	// alone is the processes of a socket that one process holds, by its pid: nearly all sockets are of this kind.
	alone map[int][]*look.Process
	// changes are settings to be tried out in the forecast.
	changes []forecast.Change
}

func newJoiner(s *look.Snapshot, verdicts *diagnose.Verdicts, changes []forecast.Change) *joiner {
	return &joiner{s, verdicts, map[int][]*look.Process{}, changes}
}

// each calls visit with the rows that the filter selects. The row is overwritten by the next.
func (j *joiner) each(f *filter.Filter, visit func(*look.Row) error) error {
	var row look.Row
	for n := range j.snapshot.Namespaces {
		ns := &j.snapshot.Namespaces[n]
		today := j.snapshot.Forecaster(ns)
		then := j.snapshot.Forecaster(ns, j.changes...)
		for i := range ns.Sockets {
			j.join(&row, ns, &ns.Sockets[i])
			row.Ends = today.Ends(i)
			if j.changes != nil {
				row.EndsIf = new(then.Ends(i))
			}
			if !f.Match(&row) {
				continue
			}
			if err := visit(&row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *joiner) join(row *look.Row, ns *look.Namespace, socket *tcp.Socket) {
	*row = look.Row{Socket: socket, Netns: ns, Age: diagnose.Age(socket), Holders: holdersOf(j.snapshot, socket)}
	row.Processes = j.processes(row.Holders)
	if found := j.verdicts.Of(socket); found != nil {
		row.Cause, row.Code, row.Severity, row.Finding = found.Cause, found.Code, found.Severity, found.ID
	}
}

func (j *joiner) processes(holders []look.Holder) []*look.Process {
	if len(holders) == 1 {
		pid := holders[0].PID
		alone, known := j.alone[pid]
		if p := j.snapshot.Processes[pid]; !known && p != nil {
			alone = []*look.Process{p}
			j.alone[pid] = alone
		}
		return alone
	}
	var processes []*look.Process
	for _, h := range holders {
		if p := j.snapshot.Processes[h.PID]; p != nil && !slices.Contains(processes, p) {
			processes = append(processes, p)
		}
	}
	return processes
}

// holdersOf keeps apart what nobody holds (an empty list) and what is not known (nil).
func holdersOf(s *look.Snapshot, socket *tcp.Socket) []look.Holder {
	if holders := s.Holders.Of(socket.Inode); len(holders) > 0 {
		return holders
	}
	if socket.Inode == 0 || s.Sought(socket) {
		return []look.Holder{}
	}
	return nil
}

// makeReport writes what was found in the words of the contract.
func makeReport(s *look.Snapshot, verdicts *diagnose.Verdicts) *report.Report {
	r := &report.Report{
		Header: report.Header{
			Schema: report.Schema, Kind: "Report", TakenAt: s.TakenAt.UTC(),
			Host: report.Host{Name: s.Host.Name, Kernel: s.Host.Kernel}, Incomplete: []report.Incomplete{},
		},
		Totals:   report.Totals{Sockets: s.Count(), Netns: len(s.Namespaces), ByState: map[string]int{}},
		Findings: verdicts.Findings, Checks: []report.Check{},
	}
	if r.Findings == nil {
		r.Findings = []report.Finding{}
	}
	if s.Host.BootID != "" {
		r.Host.BootID = &s.Host.BootID
	}
	for _, m := range s.Missing {
		r.Incomplete = append(r.Incomplete, report.Incomplete{Code: m.Code, Message: m.Message, Remedy: m.Remedy})
	}
	if s.DeadSought {
		r.Totals.DeadFDs = new(len(s.Dead))
	}
	var byState [256]int
	for n := range s.Namespaces {
		sockets := s.Namespaces[n].Sockets
		for i := range sockets {
			byState[sockets[i].State]++
		}
	}
	for state, count := range byState {
		if count > 0 {
			r.Totals.ByState[tcp.State(state).String()] += count
		}
	}
	return r
}
