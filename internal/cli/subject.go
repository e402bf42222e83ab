package cli

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// reading is one way to understand what "closewait show" was asked about.
type reading struct {
	words string // how to say it without doubt: "pid 4711"
	// filter selects its sockets; "" leaves that to own.
	filter string
	// own narrows down what filter selects; nil means that all of it belongs.
	own func(*look.Row) bool
	// about reports whether a finding belongs although none of its sockets may.
	about func(*report.Finding) bool
	// owners says that holders of all its sockets are wanted.
	owners bool
}

var (
	findingID = regexp.MustCompile(`^f[0-9]+$`)
	cookieID  = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
)

// kinds of subjects that can be named before the word that tells which.
var subjectKinds = []string{"finding", "code", "pid", "port", "peer", "local", "socket", "cookie", "workload", "unit", "container", "pod", "comm"}

// readings returns the ways to understand the words. What is given with its kind has one.
func readings(words []string) ([]reading, error) {
	if len(words) > 1 && slices.Contains(subjectKinds, words[0]) {
		r, ok := readAs(words[0], strings.Join(words[1:], " "))
		if !ok {
			return nil, usageError("closewait show --help", "%q is no %s", strings.Join(words[1:], " "), words[0])
		}
		return []reading{r}, nil
	}
	if len(words) != 1 || words[0] == "" {
		return nil, usageError("closewait show --help", "show wants one thing: a workload, pid, peer, port, socket or finding")
	}
	var list []reading
	for _, kind := range possible(words[0]) {
		if r, ok := readAs(kind, words[0]); ok {
			list = append(list, r)
		}
	}
	return list, nil
}

// possible lists the kinds a word may be of, by its form.
func possible(word string) []string {
	_, number := strconv.ParseUint(word, 10, 32)
	code := slices.ContainsFunc(report.Codes(), func(c string) bool { return strings.EqualFold(c, word) })
	switch {
	case findingID.MatchString(word):
		return []string{"finding"}
	case code || slices.Contains(report.CauseNames(), word):
		return []string{"code"}
	case cookieID.MatchString(word):
		return []string{"cookie"}
	case strings.HasPrefix(word, ":"):
		return []string{"port"}
	case number == nil:
		return []string{"pid", "port"}
	}
	if _, _, ok := bothEnds(word); ok {
		return []string{"socket"}
	}
	if _, err := netip.ParseAddrPort(word); err == nil {
		return []string{"local", "peer"}
	}
	if _, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		return []string{"peer"}
	}
	return []string{"name"}
}

// readAs reads a word as a subject of a kind; ok is false when it cannot be one.
func readAs(kind, word string) (r reading, ok bool) {
	r.words = kind + " " + word
	switch kind {
	case "finding":
		r.filter, r.own = "stuck", func(row *look.Row) bool { return row.Finding == word }
		r.about = func(f *report.Finding) bool { return f.ID == word }
		return r, findingID.MatchString(word)
	case "code":
		return codeReading(word)
	case "pid":
		pid, err := strconv.Atoi(word)
		r.filter, r.owners = "pid "+word, true
		r.about = func(f *report.Finding) bool { return holds(f, pid) }
		return r, err == nil && pid > 0
	case "port":
		word = strings.TrimPrefix(word, ":")
		port, err := strconv.ParseUint(word, 10, 16)
		r.words, r.owners, r.filter = "port "+word, true, fmt.Sprintf("( sport = :%d or dport = :%d )", port, port)
		r.about = func(f *report.Finding) bool { return f.Local != nil && uint64(f.Local.Port) == port }
		return r, err == nil && port > 0
	case "peer", "local":
		return endReading(kind, word)
	case "socket":
		return socketReading(word)
	case "cookie":
		r.filter = "cookie " + word
		return r, cookieID.MatchString(word)
	}
	return nameReading(kind, word)
}

func codeReading(word string) (reading, bool) {
	codes := report.Codes()
	i := slices.IndexFunc(codes, func(c string) bool { return strings.EqualFold(c, word) })
	if i < 0 {
		i = slices.Index(report.CauseNames(), word)
	}
	if i < 0 {
		return reading{}, false
	}
	return reading{words: "code " + codes[i], filter: "code " + codes[i], about: func(f *report.Finding) bool { return f.Code == codes[i] }}, true
}

// holds reports whether a process holds sockets of a finding, or is to blame for it.
func holds(f *report.Finding, pid int) bool {
	return slices.ContainsFunc(f.Processes, func(p report.Process) bool { return p.PID == pid }) ||
		slices.ContainsFunc(f.Culprits, func(c report.Culprit) bool { return c.PID != nil && *c.PID == pid })
}

// endReading is about all connections of an address, or of an address and port, on one of their sides.
func endReading(kind, word string) (reading, bool) {
	host, port := strings.Trim(word, "[]"), ""
	if end, err := netip.ParseAddrPort(word); err == nil {
		host, port = end.Addr().String(), ":"+strconv.Itoa(int(end.Port()))
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return reading{}, false
	}
	side := map[string]string{"peer": "dst ", "local": "src "}[kind]
	return reading{words: kind + " " + word, owners: true, filter: side + bracketed(addr) + port}, true
}

func bracketed(addr netip.Addr) string {
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return addr.String()
}

// bothEnds reads "10.0.0.3:80-203.0.113.9:5121", the form of a socket in which its ends are joined.
func bothEnds(word string) (local, peer netip.AddrPort, ok bool) {
	a, b, found := strings.Cut(word, "-")
	local, errA := netip.ParseAddrPort(a)
	peer, errB := netip.ParseAddrPort(b)
	return local, peer, found && errA == nil && errB == nil
}

// socketReading is about one connection. Its other end is selected as well, should that be on this host.
func socketReading(word string) (reading, bool) {
	local, peer, ok := bothEnds(word)
	end := func(p netip.AddrPort) string { return bracketed(p.Addr()) + ":" + strconv.Itoa(int(p.Port())) }
	there, back := fmt.Sprintf("src %s and dst %s", end(local), end(peer)), fmt.Sprintf("src %s and dst %s", end(peer), end(local))
	want := (&tcp.Socket{Local: tcp.EndpointOf(local), Peer: tcp.EndpointOf(peer)}).Tuple()
	return reading{
		words: "socket " + word, filter: "( ( " + there + " ) or ( " + back + " ) )", owners: true,
		own: func(row *look.Row) bool { return row.Socket.Tuple() == want },
	}, ok
}

// nameReading is about a workload in any of its names, or in the one that was said.
func nameReading(kind, word string) (reading, bool) {
	if word == "" || strings.ContainsAny(word, "'\"()") {
		return reading{}, false
	}
	quoted := "'" + word + "'"
	r := reading{words: kind + " " + word, owners: true, filter: kind + " " + quoted}
	if kind == "name" {
		r.words = word
		r.filter = "( workload " + quoted + " or unit " + quoted + " or pod " + quoted + " or comm " + quoted
		if len(word) >= 4 {
			r.filter += " or container " + quoted
		}
		r.filter += " )"
	}
	r.about = func(f *report.Finding) bool { return named(f, word) }
	return r, true
}

// named reports whether a finding's owner has a name.
func named(f *report.Finding, word string) bool {
	w := f.Workload
	if w == nil {
		return false
	}
	is := func(name *string) bool { return name != nil && *name == word }
	return w.Name == word || is(w.Unit) || is(w.Pod) || w.Unit != nil && *w.Unit == word+".service" ||
		slices.ContainsFunc(f.Processes, func(p report.Process) bool { return p.Comm == word })
}
