package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/redact"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
)

// apart is how far looks at two hosts may be apart in time for their connections to be the same: ports are used again.
const apart = 10 * time.Minute

// part is one host of several that were joined.
type part struct {
	name string // differs from that of the others
	now  *record.Recording
	// found and shown are its look: as it is, which filters select from, and with the names that are shown.
	found, shown diagnose.Host
	report       *report.Report
	*joiner
	tables map[int]*table // of the rows that are shown, by namespace
}

// row makes the row of a socket for those on other hosts.
func (p *part) row(netns, index int) *look.Row {
	if p.tables[netns] == nil {
		p.tables[netns] = p.joiner.shown.table(netns)
	}
	row := &look.Row{}
	p.tables[netns].own(row, index)
	row.Host = p.name
	return row
}

// join answers from looks at several hosts: they are judged together, findings and sockets are named after their hosts, and where both ends of a connection are there each
// is told of the other.
func (a *app) join(q Query, f *filter.Filter, hosts [][]*record.Recording) (*Answer, error) {
	var parts []*part
	whole := &Answer{}
	for _, looks := range hosts {
		snapshot, now, err := a.latest(looks)
		if err != nil {
			return nil, err
		}
		p := &part{now: now, tables: map[int]*table{}, found: diagnose.Host{Now: snapshot, Later: now.Later}}
		p.shown = p.found
		if q.Redact != nil {
			substitutes := redact.Of(q.Redact, record.Recording{Snapshot: snapshot, Later: now.Later})
			p.shown = diagnose.Host{Now: substitutes.Snapshot, Later: substitutes.Later}
		}
		parts = append(parts, p)
		whole.Redacted = whole.Redacted || now.Redacted
	}
	name(parts)
	judgeAll(parts, q, f)
	if alone := unpaired(parts); alone != "" {
		a.note("%s", alone)
	}
	whole.Report = merged(parts)
	for _, p := range parts {
		if !q.Rows {
			break
		}
		if err := p.each(f, func(r *look.Row) error {
			whole.Rows = append(whole.Rows, *r)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// name gives each part the name of its host; those that have the same, or none, get a number.
func name(parts []*part) {
	taken := map[string]int{}
	for _, p := range parts {
		p.name = p.shown.Now.Host.Name
		if p.name == "" {
			p.name = "text"
		}
		if taken[p.name]++; taken[p.name] > 1 {
			p.name += " (" + strconv.Itoa(taken[p.name]) + ")"
		}
		p.found.Name, p.shown.Name = p.name, p.name
	}
}

// judgeAll judges all parts together, for what the filter selects and for what is shown.
func judgeAll(parts []*part, q Query, f *filter.Filter) {
	judge := func(of func(*part) diagnose.Host) (*diagnose.Joint, []*joiner) {
		hosts, joiners := make([]diagnose.Host, len(parts)), make([]*joiner, len(parts))
		for i, p := range parts {
			hosts[i] = of(p)
		}
		joint, verdicts := diagnose.Join(hosts, func(a, b int) bool { return alike(parts[a].now, parts[b].now) }), &diagnose.Verdicts{}
		if q.diagnosis(f) != nil {
			verdicts = joint.Run()
		}
		for i := range hosts {
			joiners[i] = newJoiner(hosts[i].Now, verdicts, q.If)
		}
		return joint, joiners
	}
	joint, joiners := judge(func(p *part) diagnose.Host { return p.shown })
	found := joiners
	if q.Redact != nil {
		_, found = judge(func(p *part) diagnose.Host { return p.found })
	}
	for k, p := range parts {
		p.joiner, found[k].shown = found[k], joiners[k]
		joiners[k].host = p.name
		joiners[k].other = func(netns, index int) *look.Row {
			if host, n, i, ok := joint.Other(k, netns, index); ok {
				return parts[host].row(n, i)
			}
			return nil
		}
		p.report = makeReport(p.shown.Now, &diagnose.Verdicts{})
	}
	for _, p := range parts {
		p.tellOthers()
	}
}

// alike reports whether equal addresses in two recordings mean the same.
func alike(a, b *record.Recording) bool {
	return a.Redaction == b.Redaction && a.Redacted == b.Redacted && (!a.Redacted || a.Redaction != "") && a.Snapshot.TakenAt.Sub(b.Snapshot.TakenAt).Abs() <= apart
}

// unpaired says why ends of different recordings are not looked for, "" when all are.
func unpaired(parts []*part) string {
	for _, a := range parts {
		for _, b := range parts {
			switch {
			case a.now.Snapshot.TakenAt.Sub(b.now.Snapshot.TakenAt).Abs() > apart:
				return fmt.Sprintf("%s and %s were looked at more than %s apart: their connections are not paired", a.name, b.name, spoken.Duration(apart))
			case a != b && !alike(a.now, b.now):
				return fmt.Sprintf("%s and %s were not redacted together: their connections are not paired (closewait record --redact --from a --from b FILE)", a.name, b.name)
			}
		}
	}
	return ""
}

// tellOthers adds to each finding about a part's sockets what their other ends are doing.
func (p *part) tellOthers() {
	shown := p.joiner.shown
	ends := map[string]map[string]int{}
	for n := range shown.snapshot.Namespaces {
		for i := range shown.snapshot.Namespaces[n].Sockets {
			found := shown.verdicts.Of(&shown.snapshot.Namespaces[n].Sockets[i])
			if found == nil {
				continue
			}
			if other := shown.other(n, i); other != nil {
				if ends[found.ID] == nil {
					ends[found.ID] = map[string]int{}
				}
				ends[found.ID][doing(other)]++
			}
		}
	}
	for i := range shown.verdicts.Findings {
		f := &shown.verdicts.Findings[i]
		f.Evidence = append(f.Evidence, sentences(ends[f.ID])...)
	}
}

// doing says in which state a row is, where, and who holds it.
func doing(r *look.Row) string {
	words := strings.ToUpper(r.Socket.State.String()) + " on " + r.Host
	switch {
	case len(r.Processes) > 0:
		return words + ", held by " + r.Processes[0].Comm + " (pid " + strconv.Itoa(r.Processes[0].PID) + ")"
	case r.Holders != nil && len(r.Holders) == 0:
		return words + ", held by no process"
	}
	return words
}

// sentences tells of the other ends, the most frequent first, and no more than three.
func sentences(ends map[string]int) (list []string) {
	for what, n := range ends {
		list = append(list, fmt.Sprintf("the other end of %d is %s", n, what))
	}
	slices.SortFunc(list, func(a, b string) int {
		count := func(s string) (n int) {
			_, _ = fmt.Sscanf(s, "the other end of %d", &n)
			return n
		}
		if d := count(b) - count(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return list[:min(len(list), 3)]
}

// merged makes one report of those of all hosts.
func merged(parts []*part) *report.Report {
	r := &report.Report{Header: parts[0].report.Header, Totals: report.Totals{ByState: map[string]int{}}, Findings: parts[0].joiner.shown.verdicts.Findings, Checks: []report.Check{}}
	r.Host.BootID, r.Incomplete = nil, []report.Incomplete{}
	if r.Findings == nil {
		r.Findings = []report.Finding{}
	}
	var names []string
	for _, p := range parts {
		one := p.report
		names = append(names, p.name)
		if one.TakenAt.After(r.TakenAt) {
			r.TakenAt = one.TakenAt
		}
		if one.Host.Kernel != r.Host.Kernel {
			r.Host.Kernel = ""
		}
		for _, n := range one.Incomplete {
			n.Message = p.name + ": " + n.Message
			r.Incomplete = append(r.Incomplete, n)
		}
		r.Totals.Sockets += one.Totals.Sockets
		r.Totals.Netns += one.Totals.Netns
		for state, n := range one.Totals.ByState {
			r.Totals.ByState[state] += n
		}
	}
	r.Totals.DeadFDs = deadFDs(parts)
	r.Host.Name = strings.Join(names, ", ")
	return r
}

// deadFDs is the sum over all hosts, unknown when one does not know.
func deadFDs(parts []*part) *int {
	sum := 0
	for _, p := range parts {
		n := p.report.Totals.DeadFDs
		if n == nil {
			return nil
		}
		sum += *n
	}
	return &sum
}
