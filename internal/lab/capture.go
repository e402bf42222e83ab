package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
)

// wire turns the segments of one connection into lines of the story.
type wire struct {
	local, peer netip.AddrPort // the socket under watch, IPv4-mapped addresses as IPv4; one is zero until the first connection of the other is seen
	// next is the sequence number after all that the socket has sent; repeats counts transmissions of what begins at a number.
	next    uint32
	known   bool
	repeats map[uint32]int
}

func newWire(local, peer netip.AddrPort) *wire {
	return &wire{local: unmapped(local), peer: unmapped(peer), repeats: map[uint32]int{}}
}

// adopt takes the first connection that is made to the one end that is known: that of a server.
func (w *wire) adopt(s *stage.Segment) {
	switch {
	case !s.SYN || s.ACK:
	case !w.peer.IsValid() && s.To == w.local:
		w.peer = s.From
	case !w.local.IsValid() && s.To == w.peer:
		w.local = s.From
	}
}

func unmapped(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// read classifies a segment; nil when it is not of this connection.
func (w *wire) read(s *stage.Segment) *report.LabSegment {
	w.adopt(s)
	sent := s.From == w.local && s.To == w.peer
	if !sent && (s.From != w.peer || s.To != w.local) {
		return nil
	}
	seen := &report.LabSegment{Sent: sent, Flags: s.Flags(), Bytes: s.Len, Window: int(s.Window), What: what(s)}
	if sent {
		w.sent(s, seen)
	}
	return seen
}

func what(s *stage.Segment) string {
	switch {
	case s.RST:
		return "reset"
	case s.SYN:
		return "syn"
	case s.FIN:
		return "fin"
	case s.Len > 0:
		return "data"
	}
	return "ack"
}

// sent follows the sequence numbers: bytes sent again are a retransmission; an empty segment from before the last byte is a probe (tcp_xmit_probe_skb).
func (w *wire) sent(s *stage.Segment, seen *report.LabSegment) {
	length := uint32(s.Len)
	if s.FIN || s.SYN {
		length++
	}
	switch {
	case length > 0:
		seen.Repeat = w.repeats[s.Seq]
		w.repeats[s.Seq]++
		if end := s.Seq + length; !w.known || int32(end-w.next) > 0 {
			w.next, w.known = end, true
		}
	case w.known && seen.What == "ack" && int32(s.Seq-w.next) < 0:
		seen.What = "window_probe"
		seen.Repeat = w.repeats[s.Seq]
		w.repeats[s.Seq]++
	}
}

// describe is the line of a segment.
func describe(s *report.LabSegment) string {
	arrow := "<-"
	if s.Sent {
		arrow = "->"
	}
	text := fmt.Sprintf("%s %s", arrow, names[s.What])
	if s.What == "syn" && s.Flags == "S." {
		text += "-ACK"
	}
	if s.Bytes > 0 {
		text += fmt.Sprintf(" %d bytes", s.Bytes)
	}
	switch {
	case s.Repeat > 0 && s.What == "window_probe":
		text += fmt.Sprintf(", the %s", nth(s.Repeat+1))
	case s.Repeat > 0:
		text += fmt.Sprintf(", retransmission %d", s.Repeat)
	case !s.Sent && s.Window == 0 && s.What == "ack":
		text += ", window 0"
	}
	return text
}

var names = map[string]string{"reset": "RST", "syn": "SYN", "fin": "FIN", "data": "data", "ack": "ACK", "window_probe": "probe"}

func nth(n int) string {
	switch {
	case n%10 == 1 && n%100 != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n%100 != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n%100 != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

// capture opens the eye on the wire. What it sees before Watch names a connection is kept in the socket's buffer.
func (p *Play) capture() {
	eye, err := stage.OpenCapture()
	if err != nil {
		p.Say("no time line of segments: %v", err)
		return
	}
	wires := make(chan *wire, 1)
	done := make(chan struct{})
	p.watch = wires
	go func() {
		defer close(done)
		p.stare(eye, wires)
	}()
	p.cleanup(func() {
		close(wires)
		<-done
		eye.Close()
	})
}

// Watch tells the segments of one connection from now on, and those before it that can still be had. Of two ends one may be zero where the other is a server's: then it is the first
// connection of that. A scene that names none watches the first that it dials.
func (p *Play) Watch(local, peer netip.AddrPort) {
	p.watched = true
	if p.watch != nil {
		p.watch <- newWire(local, peer)
	}
}

// swallows reports whether the path lost what was sent at a moment.
func (p *Play) swallows(at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.swallowed.IsZero() && at.After(p.swallowed)
}

// glance is how long the eye stays shut when nothing comes, before it asks whether the play is over.
const glance = 50 * time.Millisecond

func (p *Play) stare(eye *stage.Capture, wires <-chan *wire) {
	w, ok := <-wires
	for ok && w != nil {
		s, err := eye.Next(glance)
		if err == nil {
			if seen := w.read(&s); seen != nil {
				seen.Lost = seen.Sent && p.swallows(s.At)
				p.event(report.LabEvent{AtSeconds: report.Seconds(s.At.Sub(p.began)), Kind: "segment", Text: describe(seen), Segment: seen})
			}
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		select {
		case w, ok = <-wires:
		default:
		}
	}
}
