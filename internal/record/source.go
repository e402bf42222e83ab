package record

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// TimerUnknown is the timer of a socket whose text shows no timers: no kernel uses the number, and its name is "unknown".
const TimerUnknown tcp.TimerKind = 255

// UnknownUID is the user of a socket whose text shows none: the kernel's INVALID_UID (include/linux/uidgid.h).
const UnknownUID uint32 = 1<<32 - 1

// firstStandIn is the least cookie made up here. The kernel counts cookies up from 1, and those old kernels made of addresses begin with ffff.
const firstStandIn tcp.Cookie = 1 << 63

// StandIn reports whether a cookie was made up by [Parse] because the text shows none.
func StandIn(c tcp.Cookie) bool { return c>>32 == firstStandIn>>32 }

// Source says what was read and what it cannot tell.
type Source struct {
	// Format names the formats found, in the order of appearance: "ss", "netstat", "/proc/net/tcp", "timer", joined by ", ".
	Format string
	// Lines is the number of lines read, Sockets that of sockets found in them.
	Lines, Sockets int
	// Ignored counts lines that do not speak of TCP sockets: blank ones, headers, shell prompts, other protocols.
	Ignored int
	Skipped Skipped
	// Repeated counts sockets that an earlier part of the text shows as well, which happens when several outputs were pasted. All of them are in the snapshot.
	Repeated int
	// Unknown lists what this text cannot tell: sentences for the reader.
	Unknown []string
	// Details says more about each socket, in the order of Namespace.Sockets.
	Details []Detail
}

// Skipped is what could not be read.
type Skipped struct {
	Lines int
	First []Skip // the first few
}

// Skip is a line that could not be read, or not completely.
type Skip struct {
	Line   int // counted from 1
	Text   string
	Reason string
}

// Detail is what the text says of one socket beyond tcp.Socket: how exact it is, and what it leaves out.
//
// Programs that print times cut them off: the true value lies in [shown, shown + resolution).
type Detail struct {
	// Line is where the socket stands, counted from 1.
	Line int
	// Expires is the resolution of Timer.Expires: 1 ms, 1 s or 1 min for ss, 10 ms for netstat and /proc/net/tcp; 0 when no time is shown.
	Expires time.Duration
	// RTO is the resolution of the field of that name in Info: 10 ms for /proc/net/tcp; 0 when exact or not shown.
	RTO time.Duration
	// Device is the name of the interface the socket is bound to, "" when none is shown. Its index is known for the loopback only.
	Device string
	// Cgroup is the path of the socket's cgroup, "" when not shown.
	Cgroup string
	// What the text shows; where false, what stands in tcp.Socket is no fact.
	StateKnown, AddressKnown, QueuesKnown, TimerKnown, UIDKnown, InodeKnown bool
}

const (
	firstSkips = 5  // how many Skips are kept
	skipText   = 80 // bytes of the line that are kept
)

// skip notes a line that could not be read.
func (p *parser) skip(reason string) {
	p.source.Skipped.Lines++
	if len(p.source.Skipped.First) < firstSkips {
		p.source.Skipped.First = append(p.source.Skipped.First, Skip{p.source.Lines, printable(p.text), reason})
	}
}

// printable cuts a line and replaces what could upset a terminal.
func printable(line string) string {
	var b []byte
	for _, r := range line {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		if len(b)+4 > skipText {
			return string(b) + "..."
		}
		b = append(b, string(r)...)
	}
	return string(b)
}
