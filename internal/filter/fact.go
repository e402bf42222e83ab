package filter

import (
	"math"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// The functions of this file read a number from a row. They say so when it is not known.

func age(row *look.Row) span {
	t := uint64(max(row.Age.Time, 0))
	switch row.Age.Kind {
	case look.AgeUnknown:
		return span{}
	case look.AgeAtLeast:
		return span{t, math.MaxUint64, true}
	}
	return exactly(t, true)
}

func recvQueue(row *look.Row) span { return exactly(uint64(row.Socket.RecvQueue), true) }
func sendQueue(row *look.Row) span { return exactly(uint64(row.Socket.SendQueue), true) }

func inode(row *look.Row) span {
	n, known := row.Inode()
	return exactly(uint64(n), known)
}

// cookieOf knows no cookie 0: sock_gen_cookie begins with 1, so 0 stands for text that had none.
func cookieOf(row *look.Row) span {
	c, known := row.Cookie()
	return exactly(uint64(c), known && c != 0 && c != tcp.NoCookie)
}

// uid is not known where the kernel reports 0 for want of a file to ask: mini sockets, orphans and connections not accepted
// (sock_i_uid returns 0 for a sock without socket up to Linux 6.15).
func uid(row *look.Row) span {
	n, known := row.UID()
	return exactly(uint64(n), known && (row.Socket.Inode != 0 || n != 0))
}

// retransmissions prefers idiag_retrans, which is there without tcp_info, to the same counter in tcp_info.
func retransmissions(row *look.Row) span {
	if t := row.Socket.Timer; t.Kind == tcp.TimerRetransmit {
		return exactly(uint64(t.Count), true)
	}
	return counter(row, tcp.Retransmits)
}

func probes(row *look.Row) span {
	if t := row.Socket.Timer; t.Kind == tcp.TimerPersist || t.Kind == tcp.TimerKeepalive {
		return exactly(uint64(t.Count), true)
	}
	return counter(row, tcp.Probes)
}

func backoff(row *look.Row) span { return counter(row, tcp.Backoff) }
func unacked(row *look.Row) span { return counter(row, tcp.Unacked) }
func rto(row *look.Row) span     { return measured(row, tcp.RTO) }
func rtt(row *look.Row) span     { return measured(row, tcp.RTT) }

// idle is the time since anything arrived or data was sent.
func idle(row *look.Row) span {
	shortest := span{}
	for _, f := range [...]tcp.Field{tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv} {
		if d, ok := info(row, f); ok && (!shortest.known || uint64(d) < shortest.low) {
			shortest = exactly(uint64(d), true)
		}
	}
	return shortest
}

// counter reads a field of tcp_info. For a listener tcp_get_info fills in none of them, or something else (its queue for unacked).
func counter(row *look.Row, f tcp.Field) span { return exactly(row.Info(f)) }

// measured reads a time of which 0 means that there has been no measurement.
func measured(row *look.Row, f tcp.Field) span {
	d, ok := info(row, f)
	return exactly(uint64(d), ok && d != 0)
}

// info reads a time.
func info(row *look.Row, f tcp.Field) (time.Duration, bool) {
	if _, known := row.Info(f); !known {
		return 0, false
	}
	return row.Socket.Info.Duration(f)
}
