package record

import (
	"slices"

	"github.com/closewait/closewait/tcp"
)

// The names of the formats.
const (
	ssFormat      = "ss"
	netstatFormat = "netstat"
	procFormat    = "/proc/net/tcp"
	timerFormat   = "timer"
)

// Values of section.last besides the index of a socket.
const (
	noSocket   = -1 // nothing before
	passedOver = -2 // the line before was no socket that counts
)

// section is the output of one program: what its lines show together is true of each of them.
type section struct {
	format string
	start  int // first socket
	last   int // the socket that further lines of ss belong to
	shown  evidence
	// ss and kernel are versions (major*100+minor) that program and kernel have at least, as the fields shown prove.
	ss, kernel uint16
	longest    int32 // length of the longest line with tcp_info
	wide       bool  // netstat -W: no address is cut
	doubts     int   // sockets with an address that may be cut
	// bare and modern say how IPv6 addresses are written: without brackets (ss before 4.14), or as today.
	bare, modern bool
	otherOnly    bool
	state        tcp.State // of lines that have none
}

// evidence is what a text shows of its sockets.
type evidence struct {
	timers, info, inodes, users, owners bool
	window                              bool // snd_wnd is printed or known to be zero
	coarse                              bool // a time without milliseconds
	missing                             struct{ timers, info, inodes, owners bool }
	formats                             int
}

// begin ends the section at hand and begins another. A header and the command above it belong to the same.
func (p *parser) begin(format string) {
	p.end()
	p.section = section{start: len(p.sockets), last: noSocket}
	if format != "" {
		p.enter(format)
	}
}

// enter makes sure that the section at hand is of a format.
func (p *parser) enter(format string) {
	if p.section.format == format {
		return
	}
	if p.section.format != "" {
		p.begin("")
	}
	s := &p.section
	s.format = format
	s.shown.timers = p.command.timers && format == ssFormat
	s.wide, s.otherOnly, s.state = p.command.wide, p.command.otherOnly && format == ssFormat, p.command.state
	p.seen.formats++
	if !slices.Contains(p.formats, format) {
		p.formats = append(p.formats, format)
	}
}

// end draws the conclusions that need the whole section.
func (p *parser) end() {
	s := &p.section
	for i := s.start; i < len(p.sockets); i++ {
		p.conclude(&p.sockets[i], &p.source.Details[i], &p.marks[i])
	}
	if s.doubts > 0 && !s.wide {
		p.dropDoubtful()
	}
	p.countRepeated()
	if s.start < len(p.sockets) {
		p.seen.add(s)
	}
	p.section = section{start: len(p.sockets), last: noSocket}
}

func (p *parser) conclude(s *tcp.Socket, d *Detail, m *mark) {
	sec := &p.section
	if m.star && !s.Has(tcp.HasV6Only) && sec.bare && !sec.modern {
		// ss before 4.14 writes "*" for 0.0.0.0 and "::" for the other.
		s.Family = tcp.IPv4
		s.Local, s.Peer = ipv4Any(s.Local), ipv4Any(s.Peer)
	}
	if m.untimed {
		d.TimerKnown = sec.shown.timers || s.State == tcp.Listen
		if !d.TimerKnown {
			s.Timer.Kind = TimerUnknown
		}
	}
	if s.State == tcp.TimeWait || s.State == tcp.SynReceived || s.Mini() {
		d.InodeKnown = true
		if !d.UIDKnown {
			s.UID = 0 // inet_twsk_diag_fill says 0; nobody's user is shown for a mini socket
		}
	}
	sec.shown.missing.timers = sec.shown.missing.timers || !d.TimerKnown
	sec.shown.missing.inodes = sec.shown.missing.inodes || !d.InodeKnown
	p.fill(s, m)
	if _, known := s.Info.Uint(tcp.SndWnd); known {
		sec.shown.window = true
	}
}

func (e *evidence) add(s *section) {
	e.timers = e.timers || s.shown.timers
	e.info = e.info || s.shown.info
	e.inodes = e.inodes || s.shown.inodes
	e.users = e.users || s.shown.users
	e.owners = e.owners || s.shown.owners
	e.window = e.window || s.shown.window
	e.coarse = e.coarse || s.shown.coarse
	e.missing.timers = e.missing.timers || s.shown.missing.timers
	e.missing.inodes = e.missing.inodes || s.shown.missing.inodes
	e.missing.info = e.missing.info || !s.shown.info
	e.missing.owners = e.missing.owners || !s.shown.owners
}

// dropDoubtful takes out the sockets whose addresses netstat may have cut, now that no longer address has shown that it cut none.
func (p *parser) dropDoubtful() {
	start := p.section.start
	to, moved := start, make([]int, len(p.sockets)-start)
	for i := start; i < len(p.sockets); i++ {
		if p.marks[i].doubt {
			p.source.Skipped.Lines++
			if first := &p.source.Skipped.First; len(*first) < firstSkips {
				s := &p.sockets[i]
				*first = append(*first, Skip{p.source.Details[i].Line, s.Local.String() + " " + s.Peer.String(), "netstat may have cut an address; use netstat -W"})
			}
			moved[i-start] = -1
			continue
		}
		p.sockets[to], p.source.Details[to], p.marks[to] = p.sockets[i], p.source.Details[i], p.marks[i]
		moved[i-start] = to
		to++
	}
	p.sockets, p.source.Details, p.marks = p.sockets[:to], p.source.Details[:to], p.marks[:to]
	kept := p.owners[:0]
	for _, o := range p.owners {
		if o.socket >= start {
			o.socket = moved[o.socket-start]
		}
		if o.socket >= 0 {
			kept = append(kept, o)
		}
	}
	p.owners = kept
}

// countRepeated compares the section's sockets with those before it. Listeners may share an address within one.
func (p *parser) countRepeated() {
	start := p.section.start
	if start == 0 || start == len(p.sockets) {
		return
	}
	if p.tuples == nil {
		p.tuples = make(map[tcp.Tuple]struct{}, start)
	}
	for i := range p.sockets[p.tupled:start] {
		if at := p.tupled + i; p.source.Details[at].AddressKnown {
			p.tuples[tcp.Tuple{Local: p.sockets[at].Local, Peer: p.sockets[at].Peer}] = struct{}{}
		}
	}
	p.tupled = start
	for i := start; i < len(p.sockets); i++ {
		if _, twice := p.tuples[tcp.Tuple{Local: p.sockets[i].Local, Peer: p.sockets[i].Peer}]; twice && p.source.Details[i].AddressKnown {
			p.source.Repeated++
		}
	}
}
