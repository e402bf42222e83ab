package look

import (
	"math"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// AgeKind says how good an age is.
type AgeKind uint8

// The qualities of an age, in the words of the JSON contract.
const (
	AgeUnknown AgeKind = iota
	AgeExact
	AgeAtLeast
	AgeAbout
)

// String returns "unknown", "exact", "at_least" or "about".
func (k AgeKind) String() string { return [...]string{"unknown", "exact", "at_least", "about"}[k] }

// Age is the time a socket has spent in its present state.
type Age struct {
	Time time.Duration
	Kind AgeKind
}

// Row is one socket with everything that was joined to it: what a line of "closewait ls" shows and a filter tests.
type Row struct {
	Socket *tcp.Socket
	Netns  *Namespace
	// Holders lists the descriptors that refer to the socket: nil when they could not be read or were not sought, empty when nobody holds it.
	Holders   []Holder
	Processes []*Process // the holders' processes, one each
	Age       Age
	Ends      forecast.Ends
	// EndsIf is what Ends would be after the changes that were asked about, nil when none were.
	EndsIf *forecast.Ends
	// Cause, Code and Severity are those of the finding the socket belongs to, "" when it belongs to none.
	Cause, Code, Severity string
	// Host names the host in a list of several hosts' sockets, else "".
	Host string
	// Other is the other end of the connection where that is on another host of the list, else nil.
	Other *Row
	// Finding is that finding's id.
	Finding string
}

// Inode returns the socket's inode, and whether it is known: a pasted text may not show it, and its reader counts down from the largest number then.
func (r *Row) Inode() (inode uint32, known bool) {
	return r.Socket.Inode, !r.pasted() || r.Socket.Inode < 1<<31
}

// UID returns the user that made the socket, and whether it is known: mini and request sockets have none, and a pasted text may not show it.
func (r *Row) UID() (uid uint32, known bool) {
	s := r.Socket
	return s.UID, !s.Mini() && s.State != tcp.SynReceived && (!r.pasted() || s.UID != 1<<32-1)
}

// Cookie returns the socket's cookie, and whether it is the kernel's: a pasted text may not show it, and its reader makes up numbers from 1<<63 then.
func (r *Row) Cookie() (cookie tcp.Cookie, known bool) {
	return r.Socket.Cookie, !r.pasted() || r.Socket.Cookie < 1<<63
}

// Info returns a field of the socket's tcp_info, and whether it is known, which takes more than that the kernel has sent it. A listener's structure tells of its queue. Round-trip times are 0, and the least
// of them is all ones, until one was measured. Before a connection is made the clocks of the last data and acknowledgement stand at 0, which reads as if they had run since the host was booted
// (tcp_finish_connect sets them).
func (r *Row) Info(f tcp.Field) (value uint64, known bool) {
	value, known = r.Socket.Info.Uint(f)
	return value, known && Measured(r.Socket.State, f, value)
}

// Measured reports whether a field of the tcp_info of a socket in some state has a value that says something of its connection; see [Row.Info].
func Measured(state tcp.State, f tcp.Field, value uint64) bool {
	switch f {
	case tcp.RTT, tcp.RcvRTT:
		return value != 0 && state != tcp.Listen
	case tcp.MinRTT:
		return value != math.MaxUint32 && state != tcp.Listen
	case tcp.LastDataSent, tcp.LastDataRecv, tcp.LastAckRecv:
		return state != tcp.SynSent && state != tcp.Listen
	}
	return state != tcp.Listen
}

func (r *Row) pasted() bool { return r.Netns != nil && r.Netns.Pasted }
