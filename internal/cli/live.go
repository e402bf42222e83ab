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
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/redact"
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
	d := q.diagnosis(f)
	r := request(q, f, d)
	switch {
	case q.Whole:
		r.Inquire = withThreads(r.Inquire, f, mostRecorded)
	case q.Threads:
		r.Inquire = withThreads(r.Inquire, f, mostAsked)
	}
	streamed := false
	if q.Each != nil && d == nil && !q.Threads && !q.Whole && q.If == nil && q.Redact == nil {
		each := eachMatch(f, q.Each)
		r.Plain = f.String() == "" // what a filter looks at is not known here
		r.Each = func(p *host.Passing) error {
			streamed = true
			return each(p)
		}
	}
	snapshot, later, err := h.Look(ctx, r)
	if err != nil {
		return nil, lookError(err)
	}
	if streamed || r.Each != nil && snapshot.Count() == 0 {
		return &Answer{Snapshot: snapshot, Report: makeReport(snapshot, &diagnose.Verdicts{})}, nil
	}
	return compose(q, f, snapshot, later, d)
}

// diagnosis returns a new one, nil when the question takes none to answer.
func (q *Query) diagnosis(f *filter.Filter) *diagnose.Diagnosis {
	if q.Findings || f.Needs().Has(filter.NeedCauses) {
		return new(diagnose.Diagnosis)
	}
	return nil
}

// compose makes the answer to a question from a look, whoever took it.
func compose(q Query, f *filter.Filter, s *look.Snapshot, later []tcp.Socket, d *diagnose.Diagnosis) (answer *Answer, err error) {
	judge := func(s *look.Snapshot, later []tcp.Socket) *joiner {
		verdicts := &diagnose.Verdicts{}
		if d != nil {
			verdicts = d.Run(s, later)
		}
		return newJoiner(s, verdicts, q.If)
	}
	j := judge(s, later)
	if q.Redact != nil {
		// What the filter says is about the names there are, what is shown is made from the others alone.
		substitutes := redact.Of(q.Redact, record.Recording{Snapshot: s, Later: later})
		later = substitutes.Later
		j.shown = judge(substitutes.Snapshot, later)
	}
	answer = &Answer{Snapshot: j.shown.snapshot, Later: later, Report: makeReport(j.shown.snapshot, j.shown.verdicts)}
	switch {
	case !q.Rows:
	case q.Each != nil:
		err = j.each(f, q.Each)
	default:
		answer.Rows = make([]look.Row, 0, s.Count())
		err = j.each(f, func(r *look.Row) error {
			answer.Rows = append(answer.Rows, *r)
			return nil
		})
	}
	return answer, err
}

// eachMatch makes rows of sockets that are passing by and hands on those the filter selects.
func eachMatch(f *filter.Filter, each func(*look.Row) error) func(*host.Passing) error {
	var row look.Row
	var forecaster *look.Forecaster
	var of *look.Namespace
	var clock look.Clock
	var joiner *joiner
	whole := f.String() == ""
	return func(p *host.Passing) error {
		if of != p.Namespace || clock != p.Snapshot.Clock {
			of, clock = p.Namespace, p.Snapshot.Clock
			forecaster, joiner = p.Snapshot.Forecaster(of), newJoiner(p.Snapshot, &diagnose.Verdicts{}, nil)
		}
		holders := p.Holders
		if len(holders) == 0 {
			holders = holdersOf(p.Snapshot, p.Socket)
		}
		row.Socket, row.Netns, row.Age, row.Ends = p.Socket, p.Namespace, diagnose.Age(p.Socket), forecaster.Passing(p.Socket, p.Options, p.PeerForgot)
		row.Holders, row.Processes = holders, joiner.processes(holders)
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
func request(q Query, f *filter.Filter, d *diagnose.Diagnosis) host.Request {
	owners, ends := q.Owners || f.Needs().Has(filter.NeedOwners), q.Ends || f.Needs().Has(filter.NeedEnds)
	r := host.Request{
		Netns: q.Netns, NoBPF: q.NoBPF, Settings: q.Settings || q.Whole, Dead: q.Findings && (!q.Rows || q.Whole),
		OnlyConnected: !q.Rows && !q.Whole, Messages: q.Whole,
	}
	states, condition := f.States(), f.Condition()
	if d != nil {
		r.Undecided, r.Inquire = diagnose.Undecided, d.Inquire
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
	if r.Options = owners || ends || d != nil; r.Options {
		r.Holders = func(s *tcp.Socket) bool {
			asked := owners || ends && look.Telling(s)
			return d != nil && diagnose.Suspect(s) || asked && states.Has(s.State) && (condition == nil || condition.Match(s))
		}
	}
	return r
}

// mostAsked is of how many processes it is asked what they are doing, beyond what the diagnosis wants to know; mostRecorded is that for a recording, of which nobody
// knows yet what it will be asked.
const mostAsked, mostRecorded = 8, 64

// withThreads asks also what the holders of the sockets are doing that a filter selects.
func withThreads(inquire func(*look.Snapshot) look.Wish, f *filter.Filter, most int) func(*look.Snapshot) look.Wish {
	return func(s *look.Snapshot) look.Wish {
		var wish look.Wish
		if inquire != nil {
			wish = inquire(s)
		}
		asked := 0
		_ = newJoiner(s, &diagnose.Verdicts{}, nil).each(f, func(r *look.Row) error { // visit fails never
			for _, p := range r.Processes {
				if asked < most && p.Activity == nil && !slices.Contains(wish.Activity, p.PID) {
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
	case errors.As(err, &ns) && ns.Op == "read" && errors.Is(err, fs.ErrNotExist): // of this very thread
		return &Error{
			Exit: Usage, Code: "no_proc", Message: fmt.Sprintf("%q does not exist", ns.Path),
			Why: "/proc is not mounted, or shows another pid namespace", Help: "mount -t proc proc /proc", Err: err,
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
	// last is the entry that was asked for last, of the process with the id lastPID.
	last    []*look.Process
	lastPID int
	// changes are settings to be tried out in the forecast.
	changes []forecast.Change
	// shown makes the rows that are handed on: the joiner itself, or one of the same look with other names.
	shown *joiner
	// host and other are set where several hosts' looks are joined: the name of this one, and the row of a socket's other end on another.
	host  string
	other func(netns, index int) *look.Row
}

func newJoiner(s *look.Snapshot, verdicts *diagnose.Verdicts, changes []forecast.Change) *joiner {
	j := &joiner{snapshot: s, verdicts: verdicts, alone: map[int][]*look.Process{}, changes: changes}
	j.shown = j
	return j
}

// each calls visit with the rows that the filter selects. The row is overwritten by the next.
func (j *joiner) each(f *filter.Filter, visit func(*look.Row) error) error {
	var row look.Row
	for n := range j.snapshot.Namespaces {
		asked, answered := j.table(n), j.shown.table(n)
		for i := range asked.Sockets {
			asked.join(&row, i)
			if !f.Match(&row) {
				continue
			}
			if j.shown != j {
				answered.join(&row, i)
			}
			if err := visit(&row); err != nil {
				return err
			}
		}
	}
	return nil
}

// table makes the rows of one namespace.
type table struct {
	*look.Namespace
	joiner      *joiner
	today, then *look.Forecaster // then is nil when no changes are tried out
	netns       int
}

func (j *joiner) table(index int) *table {
	ns := &j.snapshot.Namespaces[index]
	t := &table{Namespace: ns, joiner: j, today: j.snapshot.Forecaster(ns), netns: index}
	if j.changes != nil {
		t.then = j.snapshot.Forecaster(ns, j.changes...)
	}
	return t
}

// join makes the row of the socket with an index.
func (t *table) join(row *look.Row, index int) {
	t.own(row, index)
	if t.joiner.other != nil {
		row.Host, row.Other = t.joiner.host, t.joiner.other(t.netns, index)
	}
}

// own makes that row without what other hosts know of it.
func (t *table) own(row *look.Row, index int) {
	j, socket := t.joiner, &t.Sockets[index]
	*row = look.Row{Socket: socket, Netns: t.Namespace, Age: diagnose.AgeOf(t.Namespace, index), Holders: holdersOf(j.snapshot, socket), Ends: t.today.Ends(index)}
	row.Processes = j.processes(row.Holders)
	if found := j.verdicts.Of(socket); found != nil {
		row.Cause, row.Code, row.Severity, row.Finding = found.Cause, found.Code, found.Severity, found.ID
	}
	if t.then != nil {
		row.EndsIf = new(t.then.Ends(index))
	}
}

func (j *joiner) processes(holders []look.Holder) []*look.Process {
	if len(holders) == 1 {
		pid := holders[0].PID
		if pid == j.lastPID && j.last != nil {
			return j.last
		}
		alone := j.alone[pid]
		if alone == nil {
			if p := j.snapshot.Processes[pid]; p != nil {
				alone = []*look.Process{p}
				j.alone[pid] = alone
			}
		}
		j.last, j.lastPID = alone, pid
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
