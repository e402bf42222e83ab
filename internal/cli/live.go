package cli

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/closewait/closewait/forecast"
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
	if q.Each != nil && !diagnosed && r.Holders == nil {
		r.Each = eachMatch(f, q.Each)
	}
	snapshot, later, err := h.Look(ctx, r)
	if err != nil {
		return nil, lookError(err)
	}
	verdicts := &diagnose.Verdicts{}
	if diagnosed {
		verdicts = diagnose.Run(snapshot, later)
	}
	answer := &Answer{Snapshot: snapshot, Report: makeReport(snapshot, verdicts)}
	if q.Rows && r.Each == nil {
		answer.Rows = rows(snapshot, verdicts, f)
	}
	return answer, nil
}

// eachMatch makes rows of sockets that are passing by and hands on those the filter selects.
func eachMatch(f *filter.Filter, each func(*look.Row) error) func(*look.Namespace, *tcp.Socket) error {
	var row look.Row
	whole := f.String() == ""
	return func(ns *look.Namespace, s *tcp.Socket) error {
		row = look.Row{Socket: s, Netns: ns, Age: diagnose.Age(s), Ends: forecast.Of(s)}
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
	r := host.Request{Netns: q.Netns, Dead: q.Findings && !q.Rows}
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
	if owners || q.Findings {
		r.Holders = func(s *tcp.Socket) bool {
			return q.Findings && diagnose.Suspect(s) || owners && states.Has(s.State) && (condition == nil || condition.Match(s))
		}
	}
	return r
}

// lookError gives the errors of a look the words and exit codes of the contract.
func lookError(err error) error {
	var ns *netns.OpError
	switch {
	case errors.As(err, &ns) && errors.Is(err, fs.ErrPermission):
		return &Error{
			Exit: Refused, Code: "not_permitted", Message: "network namespace " + ns.Path + " cannot be entered",
			Why: "not permitted", Help: "run as root (CAP_SYS_ADMIN and CAP_SYS_PTRACE)", Err: err,
		}
	case errors.As(err, &ns) && ns.Op == "select":
		return &Error{Exit: Usage, Code: "netns", Message: "--netns: " + ns.Err.Error(), Help: "closewait help filters; ip netns list", Err: err}
	}
	return err
}

// rows joins what was found to each socket and keeps what the filter selects.
func rows(s *look.Snapshot, verdicts *diagnose.Verdicts, f *filter.Filter) []look.Row {
	total := 0
	for n := range s.Namespaces {
		total += len(s.Namespaces[n].Sockets)
	}
	selected := make([]look.Row, 0, total)
	for n := range s.Namespaces {
		ns := &s.Namespaces[n]
		for i := range ns.Sockets {
			row := join(s, verdicts, ns, &ns.Sockets[i])
			if f.Match(&row) {
				selected = append(selected, row)
			}
		}
	}
	return selected
}

func join(s *look.Snapshot, verdicts *diagnose.Verdicts, ns *look.Namespace, socket *tcp.Socket) look.Row {
	row := look.Row{Socket: socket, Netns: ns, Age: diagnose.Age(socket), Ends: forecast.Of(socket)}
	row.Holders = holdersOf(s, socket)
	for _, h := range row.Holders {
		p := s.Processes[h.PID]
		if n := len(row.Processes); p != nil && (n == 0 || row.Processes[n-1] != p) {
			row.Processes = append(row.Processes, p)
		}
	}
	if found := verdicts.Of(socket); found != nil {
		row.Cause, row.Code, row.Severity = found.Cause, found.Code, found.Severity
	}
	return row
}

// holdersOf keeps apart what nobody holds (an empty list) and what is not known (nil).
func holdersOf(s *look.Snapshot, socket *tcp.Socket) []look.Holder {
	if holders := s.Holders[socket.Inode]; len(holders) > 0 {
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
		Totals:   report.Totals{Netns: len(s.Namespaces), ByState: map[string]int{}},
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
		r.Totals.Sockets += len(sockets)
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
