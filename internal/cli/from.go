package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/history"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/setting"
)

// lookFrom answers from what somebody recorded or pasted instead of looking at this host.
func (a *app) lookFrom(ctx context.Context, q Query) (*Answer, error) {
	f, err := parseFilter(q.Filter, filterOptions())
	if err != nil {
		return nil, err
	}
	if f.Needs().Has(filter.NeedKernel) {
		return nil, usageError("", "filter: only the kernel knows about autobound, which --from cannot ask")
	}
	all, err := given(ctx, a, a.named(), a.recordings)
	if err != nil {
		return nil, err
	}
	hosts := byHost(all)
	if len(hosts) > 1 {
		return a.join(q, f, hosts)
	}
	snapshot, now, err := a.latest(hosts[0])
	if err != nil {
		return nil, err
	}
	answer, err := compose(q, f, snapshot, now.Later, q.diagnosis(f))
	if err == nil {
		answer.Redacted = now.Redacted
	}
	return answer, err
}

// latest returns the last of the looks at one host, which are in the order of time, with the others as its history.
func (a *app) latest(looks []*record.Recording) (*look.Snapshot, *record.Recording, error) {
	now := looks[len(looks)-1]
	var earlier []*look.Snapshot
	for _, r := range looks[:len(looks)-1] {
		earlier = append(earlier, r.Snapshot)
	}
	snapshot, err := within(history.Fold(now.Snapshot, earlier), a.flags.netns)
	return snapshot, now, err
}

// byHost sorts recordings by the host they are of, in the order in which the hosts appear, and each host's by their time.
func byHost(all []*record.Recording) [][]*record.Recording {
	index := map[string]int{}
	var hosts [][]*record.Recording
	for i, r := range all {
		key := hostKey(r, i)
		at, known := index[key]
		if !known {
			at, hosts = len(hosts), append(hosts, nil)
			index[key] = at
		}
		hosts[at] = append(hosts[at], r)
	}
	for _, looks := range hosts {
		slices.SortStableFunc(looks, func(a, b *record.Recording) int { return a.Snapshot.TakenAt.Compare(b.Snapshot.TakenAt) })
	}
	return hosts
}

// hostKey tells hosts apart: by name and boot, for numbers of sockets mean nothing in another boot. When redacted the boot id stands for both. A text is of a host of
// its own, as it does not say of which.
func hostKey(r *record.Recording, index int) string {
	h := r.Snapshot.Host
	switch {
	case h.BootID == "" || slices.ContainsFunc(r.Snapshot.Namespaces, func(n look.Namespace) bool { return n.Pasted }):
		return "recording " + strconv.Itoa(index)
	case r.Redacted:
		return "redacted " + h.BootID
	}
	return "host " + h.BootID + " " + h.Name
}

// named is how the flags name what is read.
func (a *app) named() string { return "--from " + strings.Join(a.flags.from, " --from ") }

// recordings reads all that --from names. What it reads once it remembers: standard input cannot be read again.
func (a *app) recordings() ([]*record.Recording, error) {
	if a.kept != nil {
		return a.kept, nil
	}
	extent := record.DefaultExtent()
	var all []*record.Recording
	for _, name := range a.flags.from {
		list, err := a.readFrom(name, extent)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		extent.Sockets -= socketsIn(list)
		extent.Recordings -= len(list)
		if extent.Sockets <= 0 || extent.Recordings <= 0 {
			return nil, recordingError(name, record.ErrTooLarge)
		}
	}
	a.kept = all
	return all, nil
}

// readFrom reads a file, or standard input when it is named "-": recordings or pasted text, which four bytes tell apart.
func (a *app) readFrom(name string, extent record.Extent) ([]*record.Recording, error) {
	in := a.cfg.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usageError("closewait --help", "--from: %v", err)
		}
		defer file.Close()
		in = file
	}
	buffered := bufio.NewReaderSize(in, 64<<10)
	first, _ := buffered.Peek(4)
	if len(first) > 1 && first[0] == 0x1f && first[1] == 0x8b { // RFC 1952
		return nil, &Error{Exit: Usage, Code: "input", Message: "--from " + name + ": it is packed by gzip", Help: "zcat FILE | closewait --from -"}
	}
	if !record.Detect(first) {
		return a.readText(name, buffered, record.Limits{Sockets: extent.Sockets})
	}
	list, err := record.Read(buffered, extent)
	if err != nil {
		return nil, recordingError(name, err)
	}
	return list, nil
}

// recordingError says what is wrong with a recording, and what to do about it.
func recordingError(name string, err error) error {
	e := &Error{Exit: Usage, Code: "input", Message: fmt.Sprintf("--from %s: %v", name, err), Err: err}
	switch {
	case errors.Is(err, record.ErrNewer):
		e.Help = "use the version of closewait that wrote it, or a later one"
	case errors.Is(err, record.ErrNotRecording):
		e.Help = "closewait record FILE makes one"
	case errors.Is(err, record.ErrDamaged):
		e.Help = "record again; a recording that was copied may be cut short"
	}
	return e
}

// readText reads pasted text as a look of this moment.
func (a *app) readText(name string, in io.Reader, limits record.Limits) ([]*record.Recording, error) {
	snapshot, source, err := record.Parse(in, a.cfg.Now(), limits)
	if err != nil {
		message, example, _ := strings.Cut(err.Error(), "\n")
		return nil, &Error{
			Exit: Usage, Code: "input", Message: fmt.Sprintf("--from %s: %s", name, message), Detail: example,
			Help: "ss -tnoi | closewait when --from -", Err: err,
		}
	}
	for i := range snapshot.Namespaces {
		a.assume(snapshot.Namespaces[i].Sockets != nil && snapshot.Namespaces[i].Sysctls == nil)
		complete(&snapshot.Namespaces[i], source)
	}
	a.tellSource(source)
	return []*record.Recording{{Snapshot: snapshot, Writer: a.build().Version}}, nil
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
