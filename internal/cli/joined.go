package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// apart is how far looks at two hosts may be apart in time for their connections to be the same: ports are used again.
const apart = 10 * time.Minute

// part is one host of several that were joined.
type part struct {
	name   string // differs from that of the others
	now    *record.Recording
	answer *Answer
	*joiner
	tables map[int]*table // of the rows that are shown, by namespace
}

// row makes the row of a socket for those on other hosts.
func (p *part) row(netns, index int) *look.Row {
	if p.tables[netns] == nil {
		p.tables[netns] = p.shown.table(netns)
	}
	row := &look.Row{}
	p.tables[netns].own(row, index)
	row.Host = p.name
	return row
}

// join answers from looks at several hosts: each is judged by itself, its findings and sockets are named after it, and where both ends of a connection are there each
// is told of the other.
func (a *app) join(q Query, f *filter.Filter, hosts [][]*record.Recording) (*Answer, error) {
	var parts []*part
	for _, looks := range hosts {
		snapshot, now, err := a.latest(looks)
		if err != nil {
			return nil, err
		}
		p := &part{now: now, tables: map[int]*table{}}
		p.answer, p.joiner = judged(q, snapshot, now.Later, q.diagnosis(f))
		p.answer.Redacted = now.Redacted
		parts = append(parts, p)
	}
	name(parts)
	pair(parts)
	if alone := unpaired(parts); alone != "" {
		a.note("%s", alone)
	}
	whole := &Answer{Report: merged(parts)}
	for _, p := range parts {
		whole.Redacted = whole.Redacted || p.answer.Redacted
		if !q.Rows {
			continue
		}
		if err := p.joiner.each(f, func(r *look.Row) error {
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
		p.name = p.answer.Report.Host.Name
		if p.name == "" {
			p.name = "text"
		}
		if taken[p.name]++; taken[p.name] > 1 {
			p.name += " (" + strconv.Itoa(taken[p.name]) + ")"
		}
		p.shown.host = p.name
	}
}

// spot is where a socket is.
type spot struct{ part, netns, index int }

// pair finds the other ends of connections. Loopback addresses name every host, and an address that two other hosts have names neither.
func pair(parts []*part) {
	ends := map[tcp.Tuple][]spot{}
	for k, p := range parts {
		for n := range p.snapshot.Namespaces {
			for i := range p.snapshot.Namespaces[n].Sockets {
				if s := &p.snapshot.Namespaces[n].Sockets[i]; s.State != tcp.Listen && s.Peer.IsValid() && s.Peer.Port() != 0 && !s.Peer.Addr().Unmap().IsLoopback() {
					ends[s.Tuple()] = append(ends[s.Tuple()], spot{k, n, i})
				}
			}
		}
	}
	for k, p := range parts {
		p.shown.other = func(netns, index int) *look.Row {
			found := slices.Clone(ends[p.snapshot.Namespaces[netns].Sockets[index].Tuple().Reverse()])
			found = slices.DeleteFunc(found, func(at spot) bool { return at.part == k || !alike(p.now, parts[at.part].now) })
			if len(found) != 1 {
				return nil
			}
			return parts[found[0].part].row(found[0].netns, found[0].index)
		}
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

// tellOthers adds to each finding what its sockets' other ends are doing.
func (p *part) tellOthers() {
	ends := map[string]map[string]int{}
	for n := range p.shown.snapshot.Namespaces {
		for i := range p.shown.snapshot.Namespaces[n].Sockets {
			found := p.shown.verdicts.Of(&p.shown.snapshot.Namespaces[n].Sockets[i])
			if found == nil {
				continue
			}
			if other := p.shown.other(n, i); other != nil {
				if ends[found.ID] == nil {
					ends[found.ID] = map[string]int{}
				}
				ends[found.ID][doing(other)]++
			}
		}
	}
	for i := range p.shown.verdicts.Findings {
		f := &p.shown.verdicts.Findings[i]
		f.Host = &p.name
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

// merged makes one report of those of all hosts. Each host's findings stay in their order, a cause before what it explains.
func merged(parts []*part) *report.Report {
	r := &report.Report{Header: parts[0].answer.Report.Header, Totals: report.Totals{ByState: map[string]int{}}, Findings: []report.Finding{}, Checks: []report.Check{}}
	r.Host.BootID, r.Incomplete = nil, []report.Incomplete{}
	var names []string
	heads := make([][]report.Finding, len(parts))
	for i, p := range parts {
		one := p.answer.Report
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
		heads[i] = one.Findings
	}
	r.Totals.DeadFDs = deadFDs(parts)
	r.Host.Name = strings.Join(names, ", ")
	ids := make([]map[string]string, len(parts))
	for next := mostUrgent(heads); next >= 0; next = mostUrgent(heads) {
		if ids[next] == nil {
			ids[next] = map[string]string{}
		}
		ids[next][heads[next][0].ID] = "f" + strconv.Itoa(len(r.Findings)+1)
		r.Findings = append(r.Findings, heads[next][0])
		heads[next] = heads[next][1:]
	}
	for i, p := range parts {
		renumber(p.answer.Report.Findings, ids[i])
	}
	byName := map[string]map[string]string{}
	for i, p := range parts {
		byName[p.name] = ids[i]
	}
	for i := range r.Findings {
		renumber(r.Findings[i:i+1], byName[*r.Findings[i].Host])
	}
	return r
}

// renumber gives findings, and what refers to them, their ids in the whole.
func renumber(list []report.Finding, ids map[string]string) {
	for i := range list {
		f := &list[i]
		f.ID = ids[f.ID]
		for _, reference := range []**string{&f.CausedBy, &f.Feeds} {
			if *reference != nil {
				id := ids[**reference]
				*reference = &id
			}
		}
	}
}

// mostUrgent returns the list whose first finding comes next, -1 when all are empty. A cause is as urgent as the worst it explains.
func mostUrgent(lists [][]report.Finding) int {
	best, bestRank, bestCount := -1, uint64(0), 0
	for i, list := range lists {
		if len(list) == 0 {
			continue
		}
		rank := urgency[list[0].Severity]
		for j := range list {
			if by := list[j].CausedBy; by != nil && *by == list[0].ID {
				rank = min(rank, urgency[list[j].Severity])
			}
		}
		if best < 0 || rank < bestRank || rank == bestRank && list[0].Count > bestCount {
			best, bestRank, bestCount = i, rank, list[0].Count
		}
	}
	return best
}

// deadFDs is the sum over all hosts, unknown when one does not know.
func deadFDs(parts []*part) *int {
	sum := 0
	for _, p := range parts {
		n := p.answer.Report.Totals.DeadFDs
		if n == nil {
			return nil
		}
		sum += *n
	}
	return &sum
}
