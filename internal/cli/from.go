package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/setting"
)

// lookFrom answers from a text that somebody pasted instead of looking at this host.
func (a *app) lookFrom(q Query) (*Answer, error) {
	f, err := parseFilter(q.Filter, filterOptions())
	if err != nil {
		return nil, err
	}
	if f.Needs().Has(filter.NeedKernel) {
		return nil, usageError("", "filter: only the kernel knows about autobound, which --from cannot ask")
	}
	snapshot, source, err := a.readFrom()
	if err != nil {
		return nil, err
	}
	for _, ns := range snapshot.Namespaces {
		a.assume(ns.Sockets != nil && ns.Sysctls == nil)
	}
	for i := range snapshot.Namespaces {
		complete(&snapshot.Namespaces[i], source)
	}
	a.tellSource(source)
	return compose(q, f, snapshot, nil, q.Findings || f.Needs().Has(filter.NeedCauses))
}

func (a *app) readFrom() (*look.Snapshot, *record.Source, error) {
	in := a.cfg.In
	if a.flags.from != "-" {
		file, err := os.Open(a.flags.from)
		if err != nil {
			return nil, nil, usageError("closewait --help", "--from: %v", err)
		}
		defer file.Close()
		in = file
	}
	snapshot, source, err := record.Parse(in, a.cfg.Now(), record.Limits{})
	if err != nil {
		message, example, _ := strings.Cut(err.Error(), "\n")
		return nil, nil, &Error{
			Exit: Usage, Code: "input", Message: fmt.Sprintf("--from %s: %s", a.flags.from, message), Detail: example,
			Help: "ss -tnoi | closewait when --from -", Err: err,
		}
	}
	return snapshot, source, nil
}

// complete gives a pasted namespace what a forecast needs: the limits every kernel begins with, as the text shows none, and how exact its times are.
func complete(ns *look.Namespace, source *record.Source) {
	if ns.Sysctls == nil {
		ns.Sysctls = map[string]int64{}
		for _, s := range setting.TCP() {
			if s.Default >= 0 { // else it depends on the memory of the host
				ns.Sysctls[s.Name] = s.Default
			}
		}
	}
	ns.Pasted = true
	ns.Blur = make([]time.Duration, len(ns.Sockets))
	for i := range min(len(ns.Sockets), len(source.Details)) {
		ns.Blur[i] = source.Details[i].Expires
	}
}

// assume says that limits were not read.
func (a *app) assume(defaults bool) {
	if defaults {
		a.note("the text shows no limits: tcp_retries2=15 and the other defaults of the kernel are assumed, see --if")
	}
}

// tellSource says what was read, what could not be, and what such a text cannot tell.
func (a *app) tellSource(s *record.Source) {
	if n := s.Skipped.Lines; n > 0 {
		reason := ""
		if len(s.Skipped.First) > 0 {
			first := s.Skipped.First[0]
			reason = fmt.Sprintf("; line %d: %s", first.Line, first.Reason)
		}
		a.note("%s: %d sockets read, lines that could not be: %d%s", s.Format, s.Sockets, n, reason)
	}
	for _, what := range s.Unknown {
		a.note("%s: %s", s.Format, what)
	}
}
