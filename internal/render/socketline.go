package render

import (
	"io"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// NewSocketTSV is NewTSV of SocketColumns, at two thirds of the cost: of a list of a million sockets, asking each column for its cell is what most of
// the time would go to.
func NewSocketTSV(w io.Writer, header bool) *TSVWriter {
	t := NewTSV(w, socketColumns, header)
	t.line = appendSocketLine
	return t
}

// appendSocketLine appends what appendRow makes of socketColumns, which stays the definition; a test holds the two against each other.
func appendSocketLine(b []byte, r *look.Row) []byte {
	s := r.Socket
	b = append(appendNetns(b, r), '\t')
	b = append(append(b, s.State.String()...), '\t')
	b = append(appendUint(b, uint64(s.RecvQueue)), '\t')
	b = append(appendUint(b, uint64(s.SendQueue)), '\t')
	b = append(appendAddrPort(b, s.Local), '\t')
	b = append(appendPeer(b, r), '\t')
	b = appendTimerCells(b, r)
	b = appendEndCells(b, r)
	b = append(appendUID(b, r), '\t')
	b = append(appendInode(b, r), '\t')
	b = append(appendCookie(b, r), '\t')
	b = appendInfoCells(b, s)
	return appendOwnerCells(b, r)
}

// appendTimerCells appends timer, expires and count.
func appendTimerCells(b []byte, r *look.Row) []byte {
	t := &r.Socket.Timer
	if t.Kind == tcp.TimerNone {
		return append(b, "none\t-\t-\t"...)
	}
	b = append(append(b, t.Kind.String()...), '\t')
	b = append(appendSeconds(b, t.Expires), '\t')
	return append(appendUint(b, uint64(t.Count)), '\t')
}

// appendEndCells appends age, age_kind and ends.
func appendEndCells(b []byte, r *look.Row) []byte {
	b = append(appendAge(b, r), '\t')
	b = append(append(b, r.Age.Kind.String()...), '\t')
	if r.Ends.Kind == forecast.Never {
		return append(b, "never\t"...)
	}
	return append(appendEnds(b, r), '\t')
}

// infoCells are the fields of tcp_info among the columns, in their order.
var infoCells = [...]struct {
	field tcp.Field
	unit  uint64 // microseconds, 0 for a plain number
}{
	{tcp.Retransmits, 0}, {tcp.Backoff, 0}, {tcp.RTO, 1}, {tcp.RTT, 1}, {tcp.Unacked, 0}, {tcp.NotSentBytes, 0}, {tcp.SndWnd, 0},
	{tcp.LastDataSent, 1000}, {tcp.LastDataRecv, 1000}, {tcp.LastAckRecv, 1000},
}

func appendInfoCells(b []byte, s *tcp.Socket) []byte {
	if !s.Info.Known() || s.State == tcp.Listen {
		return append(b, "-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t"...)
	}
	for i := range infoCells {
		c := &infoCells[i]
		switch n, ok := s.Info.Uint(c.field); {
		case !ok:
			b = append(b, unknown)
		case c.unit == 0:
			b = appendUint(b, n)
		default:
			b = appendMicroseconds(b, n*c.unit)
		}
		b = append(b, '\t')
	}
	return b
}

// appendOwnerCells appends code, cause, pid, fd, comm and workload.
func appendOwnerCells(b []byte, r *look.Row) []byte {
	if r.Code == "" && r.Cause == "" && r.Holders == nil && len(r.Processes) == 0 {
		return append(b, "-\t-\t-\t-\t-\t-\n"...)
	}
	b = append(appendName(b, r.Code), '\t')
	b = append(appendName(b, r.Cause), '\t')
	b = append(appendPIDs(b, r), '\t')
	b = append(appendFDs(b, r), '\t')
	b = append(appendComms(b, r), '\t')
	return append(appendWorkload(b, r), '\n')
}
