package record

import (
	"math"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// ssFlags are the words ss prints only with -o, and so tell that timers would be shown (tcp_show_info).
var ssFlags = map[string]bool{"ts": true, "usec_ts": true, "sack": true, "ecn": true, "ecnseen": true, "fastopen": true}

// ssArrows are the directions in which a socket was shut down, as inet_show_sock draws them.
var ssArrows = map[string]tcp.Shutdown{
	"<->": 0, "-->": tcp.ShutdownReceive, "<--": tcp.ShutdownSend, "---": tcp.ShutdownReceive | tcp.ShutdownSend,
}

// detail is the socket that words of ss are about.
type detail struct {
	*parser
	socket *tcp.Socket
	more   *Detail
	mark   *mark
	ulp    bool // an upper layer protocol was named, whose words follow
}

// details reads what follows the addresses, in the order of the text. Words it does not know are passed over.
func (p *parser) details(text string) {
	i := p.section.last
	d := detail{parser: p, socket: &p.sockets[i], more: &p.source.Details[i], mark: &p.marks[i]}
	if at := strings.Index(text, "users:(("); at >= 0 {
		p.section.shown.owners = true
		rest, ok := p.users(i, text[at+len("users:("):])
		d.words(text[:at])
		text = rest
		if !ok {
			d.cut()
		}
	}
	d.words(text)
}

func (d *detail) words(text string) {
	w := words{text}
	for word := w.next(); word != ""; word = w.next() {
		key, value, pair := strings.Cut(word, ":")
		switch {
		case key == "inet-sockopt" || key == "opt":
			return // their own language, to the end of the line
		case pair:
			d.pair(key, value)
		case word == "send" || word == "pacing_rate" || word == "delivery_rate":
			d.rate(word, &w)
		default:
			d.single(word)
		}
	}
}

// cut notes that the line is damaged where a timer may have stood.
func (d *detail) cut() {
	d.mark.damaged, d.mark.untimed = true, false
	d.socket.Timer = tcp.Timer{Kind: TimerUnknown}
}

// single reads a word without a value.
func (d *detail) single(word string) {
	s := d.socket
	if ssFlags[word] {
		d.section.shown.timers = true
		return
	}
	if shutdown, ok := ssArrows[word]; ok {
		s.Shutdown, s.Sent = shutdown, s.Sent|tcp.HasShutdown
		return
	}
	if ulp, ok := strings.CutPrefix(word, "tcp-ulp-"); ok {
		d.ulp = true
		s.Sent |= tcp.HasULP
		ulpName := &s.Extend().ULP
		copy(ulpName[:len(ulpName)-1], ulp)
		if ulp == "mptcp" {
			s.Sent |= tcp.HasMPTCP
		}
		return
	}
	if strings.HasPrefix("timer:", word) || strings.HasPrefix("users:", word) {
		d.cut()
		return
	}
	// The congestion control stands before all fields of tcp_info.
	if d.mark.line == 0 && !d.ulp && !s.Has(tcp.HasCongestion) && isName(word) {
		s.Sent |= tcp.HasCongestion
		name := &s.Extend().Congestion
		copy(name[:len(name)-1], word)
	}
}

// isName reports whether a word can be the name of a congestion control (TCP_CA_NAME_MAX).
func isName(word string) bool {
	if len(word) > 15 || word[0] < 'a' || word[0] > 'z' {
		return false
	}
	for i := range len(word) {
		if c := word[i]; c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// pair reads key:value.
func (d *detail) pair(key, value string) {
	s, ok := d.socket, true
	var n uint64
	switch key {
	case "timer":
		if ok = d.timer(value); !ok {
			d.cut()
		}
	case "uid":
		n, ok = number(value, math.MaxUint32)
		s.UID, d.more.UIDKnown = uint32(n), ok
	case "ino":
		n, ok = number(value, math.MaxUint32)
		s.Inode, d.more.InodeKnown = uint32(n), ok
		if ok && !d.more.UIDKnown { // ss -e leaves out user 0
			s.UID, d.more.UIDKnown = 0, true
		}
		d.section.shown.inodes, d.section.shown.users = true, true
	case "sk":
		n, ok = hex(value)
		s.Cookie = tcp.Cookie(n)
	case "fwmark", "tos", "tclass", "class_id":
		ok = d.hexadecimal(key, value)
	case "cgroup":
		d.cgroup(value)
	case "v6only":
		n, ok = number(value, 1)
		s.V6Only, s.Sent = n == 1, s.Sent|tcp.HasV6Only
	case "skmem":
		ok = d.memory(value)
	default:
		ok = d.info(key, value)
	}
	if !ok {
		d.mark.damaged = true
	}
}

// hexadecimal reads a number printed with %#x, which is "0" for zero.
func (d *detail) hexadecimal(key, value string) bool {
	n, ok := hex(strings.TrimPrefix(value, "0x"))
	s := d.socket
	switch {
	case !ok || n > math.MaxUint32:
		return false
	case key == "fwmark":
		s.Extend().Mark, s.Sent = uint32(n), s.Sent|tcp.HasMark
	case key == "tos":
		s.TOS, s.Sent = uint8(n), s.Sent|tcp.HasTOS
	case key == "tclass":
		s.TClass, s.Sent = uint8(n), s.Sent|tcp.HasTClass
	default:
		s.Extend().ClassID, s.Sent = uint32(n), s.Sent|tcp.HasClassID
	}
	return true
}

// cgroup notes the path, or the ID where ss found no path for it.
func (d *detail) cgroup(value string) {
	if id, lost := strings.CutPrefix(value, "unreachable:"); lost {
		if n, ok := hex(id); ok {
			d.socket.Extend().CgroupID, d.socket.Sent = n, d.socket.Sent|tcp.HasCgroup
		}
		return
	}
	d.more.Cgroup = d.keep(value)
}

// memory reads (r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0). Kernels before 4.7 have no d, older ones no bl.
func (d *detail) memory(value string) bool {
	value, ok := strings.CutSuffix(value, ")")
	m := tcp.Memory{}
	to := [...]*uint32{
		&m.ReceiveAllocated, &m.ReceiveLimit, &m.SendAllocated, &m.SendLimit, &m.ForwardAllocated, &m.SendQueued, &m.OptionMemory, &m.Backlog, &m.Drops,
	}
	value, open := strings.CutPrefix(value, "(")
	read := 0
	for part := range strings.SplitSeq(value, ",") {
		n, good := number(strings.TrimLeft(part, "abdflortw"), math.MaxUint32)
		if !good || read == len(to) {
			return false
		}
		*to[read] = uint32(n)
		read++
	}
	if !ok || !open || read < 7 {
		return false
	}
	d.socket.Extend().Memory, d.socket.Sent = m, d.socket.Sent|tcp.HasMemory
	return true
}
