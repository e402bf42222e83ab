package render

import (
	"strconv"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// unknown stands in every cell whose value is not known or does not apply, so that programs that split at white space find their columns.
const unknown = '-'

// appendSeconds appends what report.Seconds appends, faster: it is the most frequent cell of tab-separated output.
func appendSeconds(b []byte, d time.Duration) []byte {
	if d < 0 || d%time.Microsecond != 0 {
		return report.Seconds(d).Append(b)
	}
	return appendMicroseconds(b, uint64(d/time.Microsecond))
}

// appendName appends text chosen by others: on one line, without tabs, and never mistaken for an unknown value.
func appendName(b []byte, name string) []byte {
	if name == "" {
		return append(b, unknown)
	}
	if name == "-" {
		return append(b, `\x2d`...)
	}
	return AppendClean(b, name)
}

func appendNetns(b []byte, r *look.Row) []byte {
	switch n := r.Netns; {
	case n == nil, n.Inode == 0 && n.Name == "": // a pasted text does not name namespaces
		return append(b, unknown)
	case n.Name == "":
		return appendUint(b, n.Inode)
	default:
		return appendName(b, n.Name)
	}
}

func appendState(b []byte, r *look.Row) []byte { return append(b, r.Socket.State.String()...) }

func appendRecvQueue(b []byte, r *look.Row) []byte { return appendUint(b, uint64(r.Socket.RecvQueue)) }

func appendSendQueue(b []byte, r *look.Row) []byte { return appendUint(b, uint64(r.Socket.SendQueue)) }

func textRecvQueue(b []byte, r *look.Row) []byte { return appendQueue(b, r.Socket.RecvQueue) }

func textSendQueue(b []byte, r *look.Row) []byte { return appendQueue(b, r.Socket.SendQueue) }

// appendQueue writes short queues to the byte, for one byte is a FIN.
func appendQueue(b []byte, n uint32) []byte {
	if n < 100000 {
		return appendThousands(b, int64(n))
	}
	return spoken.AppendSize(b, uint64(n))
}

func appendLocal(b []byte, r *look.Row) []byte { return appendEnd(b, r.Socket.Local) }

func appendPeer(b []byte, r *look.Row) []byte {
	if s := r.Socket; s.State == tcp.Listen || s.State == tcp.Bound || !s.Peer.IsValid() {
		return append(b, unknown)
	}
	return appendEnd(b, r.Socket.Peer)
}

func appendTimer(b []byte, r *look.Row) []byte { return append(b, r.Socket.Timer.Kind.String()...) }

func appendExpires(b []byte, r *look.Row) []byte {
	if r.Socket.Timer.Kind == tcp.TimerNone {
		return append(b, unknown)
	}
	return appendSeconds(b, r.Socket.Timer.Expires)
}

func textExpires(b []byte, r *look.Row) []byte {
	if r.Socket.Timer.Kind == tcp.TimerNone {
		return append(b, unknown)
	}
	return spoken.AppendDuration(b, r.Socket.Timer.Expires)
}

func appendCount(b []byte, r *look.Row) []byte {
	if r.Socket.Timer.Kind == tcp.TimerNone {
		return append(b, unknown)
	}
	return appendUint(b, uint64(r.Socket.Timer.Count))
}

func appendAge(b []byte, r *look.Row) []byte {
	if r.Age.Kind == look.AgeUnknown {
		return append(b, unknown)
	}
	return appendSeconds(b, r.Age.Time)
}

// textAge marks an age that is only a bound or an estimate.
func textAge(b []byte, r *look.Row) []byte {
	switch r.Age.Kind {
	case look.AgeUnknown:
		return append(b, unknown)
	case look.AgeAtLeast:
		b = append(b, '>')
	case look.AgeAbout:
		b = append(b, '~')
	}
	return spoken.AppendDuration(b, r.Age.Time)
}

func appendAgeKind(b []byte, r *look.Row) []byte { return append(b, r.Age.Kind.String()...) }

func appendEnds(b []byte, r *look.Row) []byte {
	switch r.Ends.Kind {
	case forecast.At:
		return appendSeconds(b, r.Ends.Best)
	case forecast.Never:
		return append(b, "never"...)
	}
	return append(b, unknown)
}

// textEnds writes the best estimate with the half of its interval, or both moments when there are two.
func textEnds(b []byte, r *look.Row) []byte {
	if r.Ends.Kind != forecast.At {
		return appendEnds(b, r)
	}
	b = appendMoment(b, r.Ends.Best)
	if r.Ends.Also > 0 {
		return appendMoment(append(b, " or "...), r.Ends.Also)
	}
	if sooner(&r.Ends) {
		return append(b, " or sooner"...)
	}
	if off := max(r.Ends.Latest-r.Ends.Best, r.Ends.Best-r.Ends.Earliest); r.Ends.Latest > 0 && off >= 50*time.Millisecond {
		b = spoken.AppendDuration(append(b, " ±"...), off)
	}
	return b
}

// sooner says whether an end may come long before its best estimate but not as long after it: the socket may have a limit of its own that could not be read.
func sooner(e *forecast.Ends) bool {
	early, late := e.Best-e.Earliest, e.Latest-e.Best
	return early >= time.Second && early > 2*late
}

// appendMoment is appendDuration with tenths up to a minute, for there they decide.
func appendMoment(b []byte, d time.Duration) []byte {
	if d < 9*time.Second || d >= 59950*time.Millisecond {
		return spoken.AppendDuration(b, d)
	}
	return append(strconv.AppendFloat(b, d.Seconds(), 'f', 1, 64), " s"...)
}

func appendUID(b []byte, r *look.Row) []byte {
	if uid, known := r.UID(); known {
		return appendUint(b, uint64(uid))
	}
	return append(b, unknown)
}

func appendInode(b []byte, r *look.Row) []byte {
	if inode, known := r.Inode(); known {
		return appendUint(b, uint64(inode))
	}
	return append(b, unknown)
}

func appendCookie(b []byte, r *look.Row) []byte {
	if cookie, known := r.Cookie(); known {
		return strconv.AppendUint(append(b, '0', 'x'), uint64(cookie), 16)
	}
	return append(b, unknown)
}

func appendCode(b []byte, r *look.Row) []byte { return appendName(b, r.Code) }

func appendCause(b []byte, r *look.Row) []byte { return appendName(b, r.Cause) }
