package render

import (
	"io"
	"slices"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// NewSocketTSV is NewTSV of SocketColumns, at half the cost: of a list of a million sockets, asking each column for its cell is what most of
// the time would go to.
func NewSocketTSV(w io.Writer, header bool) *TSVWriter {
	t := NewTSV(w, socketColumns, header)
	t.line = newSocketLine().append
	return t
}

// socketLine appends what appendRow makes of socketColumns, which stays the definition; a test holds the two against each other. Room for a row is
// asked for once, and its cells are then written into place.
type socketLine struct {
	// netns and name are the namespace of the last row and its cell: rows of a namespace come together.
	netns *look.Namespace
	name  []byte
	// process is the last single holder, owner its cells: rows of a process often come together.
	process *look.Process
	owner   []byte
	*numerals
}

func newSocketLine() *socketLine { return &socketLine{numerals: newNumerals()} }

// room is more than the cells of a row can fill, but for the names in the first and the last of them.
const room = 1 << 10

func (l *socketLine) append(b []byte, r *look.Row) []byte {
	s := r.Socket
	if r.Netns == nil || r.Netns != l.netns {
		l.netns, l.name = r.Netns, append(appendNetns(l.name[:0], r), '\t')
	}
	b = slices.Grow(append(b, l.name...), room)
	to, at := b[:cap(b)], len(b)
	at = placeText(to, at, s.State.String())
	at = l.number(to, at, uint64(s.RecvQueue))
	at = l.number(to, at, uint64(s.SendQueue))
	at = l.end(to, at, &s.Local)
	if s.State == tcp.Listen || s.State == tcp.Bound || !s.Peer.IsValid() {
		at = placeUnknown(to, at)
	} else {
		at = l.end(to, at, &s.Peer)
	}
	at = l.timer(to, at, &s.Timer)
	at = l.life(to, at, r)
	at = l.identity(to, at, r)
	at = l.info(to, at, s)
	if len(r.Holders) == 1 && r.Holders[0].FD >= 0 && len(r.Processes) == 1 && r.Code == "" && r.Cause == "" {
		return l.single(to, at, r)
	}
	return appendOwnerCells(to[:at], r)
}

// single writes the cells of a socket that one descriptor refers to and no finding is about.
func (l *socketLine) single(to []byte, at int, r *look.Row) []byte {
	if r.Processes[0] != l.process {
		l.process = r.Processes[0]
		l.owner = append(appendComms(l.owner[:0], r), '\t')
		l.owner = append(appendWorkload(l.owner, r), '\t')
	}
	at += copy(to[at:], "-\t-\t")
	at = l.number(to, at, uint64(r.Holders[0].PID)) //nolint:gosec // a pid is positive
	at = l.number(to, at, uint64(r.Holders[0].FD))  //nolint:gosec // and so is a descriptor that is known
	return appendHosts(append(to[:at], l.owner...), r)
}

// timer writes timer, expires and count.
func (l *socketLine) timer(to []byte, at int, t *tcp.Timer) int {
	if t.Kind == tcp.TimerNone {
		return at + copy(to[at:], "none\t-\t-\t")
	}
	at = placeText(to, at, t.Kind.String())
	at = l.seconds(to, at, t.Expires)
	return l.number(to, at, uint64(t.Count))
}

// life writes age, age_kind and ends.
func (l *socketLine) life(to []byte, at int, r *look.Row) int {
	if r.Age.Kind == look.AgeUnknown {
		at = placeUnknown(to, at)
	} else {
		at = l.seconds(to, at, r.Age.Time)
	}
	at = placeText(to, at, r.Age.Kind.String())
	switch r.Ends.Kind {
	case forecast.At:
		return l.seconds(to, at, r.Ends.Best)
	case forecast.Never:
		return placeText(to, at, "never")
	}
	return placeUnknown(to, at)
}

// identity writes uid, inode and cookie.
func (l *socketLine) identity(to []byte, at int, r *look.Row) int {
	if uid, known := r.UID(); known {
		at = l.number(to, at, uint64(uid))
	} else {
		at = placeUnknown(to, at)
	}
	if inode, known := r.Inode(); known {
		at = l.number(to, at, uint64(inode))
	} else {
		at = placeUnknown(to, at)
	}
	if cookie, known := r.Cookie(); known {
		return placeHexadecimal(to, at, uint64(cookie))
	}
	return placeUnknown(to, at)
}

// infoCells are the fields of tcp_info among the columns, in their order.
var infoCells = [...]struct {
	field tcp.Field
	unit  uint64 // microseconds, 0 for a plain number
}{
	{tcp.Retransmits, 0}, {tcp.Backoff, 0}, {tcp.RTO, 1}, {tcp.RTT, 1}, {tcp.Unacked, 0}, {tcp.NotSentBytes, 0}, {tcp.SndWnd, 0},
	{tcp.LastDataSent, 1000}, {tcp.LastDataRecv, 1000}, {tcp.LastAckRecv, 1000},
}

func (l *socketLine) info(to []byte, at int, s *tcp.Socket) int {
	if !s.Info.Known() || s.State == tcp.Listen {
		return at + copy(to[at:], "-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t")
	}
	for i := range infoCells {
		c := &infoCells[i]
		switch n, ok := s.Info.Uint(c.field); {
		case !ok || !look.Measured(s.State, c.field, n):
			at = placeUnknown(to, at)
		case c.unit == 0:
			at = l.number(to, at, n)
		default:
			at = l.microseconds(to, at, n*c.unit)
		}
	}
	return at
}

// appendOwnerCells appends code, cause, pid, fd, comm and workload.
func appendOwnerCells(b []byte, r *look.Row) []byte {
	if r.Code == "" && r.Cause == "" && r.Holders == nil && len(r.Processes) == 0 {
		return appendHosts(append(b, "-\t-\t-\t-\t-\t-\t"...), r)
	}
	b = append(appendName(b, r.Code), '\t')
	b = append(appendName(b, r.Cause), '\t')
	b = append(appendPIDs(b, r), '\t')
	b = append(appendFDs(b, r), '\t')
	b = append(appendComms(b, r), '\t')
	return appendHosts(append(appendWorkload(b, r), '\t'), r)
}

// appendHosts appends host and other_end.
func appendHosts(b []byte, r *look.Row) []byte {
	if r.Host == "" && r.Other == nil {
		return append(b, "-\t-\n"...)
	}
	b = append(appendHost(b, r), '\t')
	return append(appendOther(b, r), '\n')
}
