package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// Prediction is a forecast of the scene that waits for the clock.
type Prediction struct {
	play   *Play
	taken  time.Time
	key    tcp.Socket
	index  int // in the result
	socket report.Socket
}

// Socket waits until the kernel shows a socket of the scene's network and returns it as "closewait ls" does.
func (p *Play) Socket(local, peer netip.AddrPort) (found report.Socket, taken time.Time) {
	filter := fmt.Sprintf("not state listen and sport = :%d and dport = :%d", local.Port(), peer.Port())
	p.eventually(patience, 20*time.Millisecond, func() (bool, string) {
		asked := time.Now()
		r, sockets, err := p.look(p.ctx, p.near.Path(), filter)
		p.must(err)
		if len(sockets) == 1 {
			// By the monotonic clock: the one on the wall may be set while the scene waits.
			found, taken = sockets[0], asked.Add(r.TakenAt.Sub(asked))
		}
		return len(sockets) == 1, fmt.Sprintf("one socket %v to %v, but %d", local, peer, len(sockets))
	})
	return found, taken
}

// Await waits until a socket is as wanted.
func (p *Play) Await(local, peer netip.AddrPort, want string, ask func(*report.Socket) bool) {
	p.eventually(patience, 20*time.Millisecond, func() (bool, string) {
		s, _ := p.Socket(local, peer)
		return ask(&s), fmt.Sprintf("%s; the socket is %s with timer %s", want, s.State, s.Timer.Kind)
	})
}

// Predict forecasts the end of a socket and remembers it for Confirm.
func (p *Play) Predict(local, peer netip.AddrPort) *Prediction {
	s, taken := p.Socket(local, peer)
	p.event(report.LabEvent{AtSeconds: p.since(), Kind: "forecast", Text: foretold(s.Ends)})
	p.result.Predictions = append(p.result.Predictions, report.LabPrediction{
		AtSeconds: report.Seconds(taken.Sub(p.began)), Local: s.Local, Peer: *s.Peer, Ends: s.Ends,
	})
	return &Prediction{p, taken, p.key(&s), len(p.result.Predictions) - 1, s}
}

func cookie(text *string) tcp.Cookie {
	if text != nil {
		if n, err := strconv.ParseUint(*text, 0, 64); err == nil {
			return tcp.Cookie(n)
		}
	}
	return tcp.NoCookie
}

func foretold(e report.Ends) string {
	if e.Kind != "at" {
		return fmt.Sprintf("forecast: %s. %s", e.Kind, e.Reason)
	}
	text := fmt.Sprintf("forecast: ends in %s s", e.Seconds.Append(nil))
	if e.AlsoSeconds != nil {
		text += fmt.Sprintf(" or %s s", e.AlsoSeconds.Append(nil))
	}
	text += fmt.Sprintf(" (%s to %s s)", e.EarliestSeconds.Append(nil), e.LatestSeconds.Append(nil))
	if e.By != nil {
		text += " by " + *e.By
	}
	if e.Error != nil {
		text += ", with " + *e.Error
	}
	return text
}

// gone waits until the kernel has no such socket any more, which was there at the moment seen. The end came between the two moments: the last question answered yes and the
// first answered no.
func (p *Play) gone(key tcp.Socket, seen time.Time, within time.Duration) (before, after time.Time) {
	before = seen
	p.eventually(within, time.Millisecond, func() (bool, string) {
		asked := time.Now()
		there := p.there(key)
		if there {
			before = asked
		}
		after = time.Now()
		return !there, "the end of the socket"
	})
	return before, after
}

// diag returns the play's connection to sock_diag in the scene's network.
func (p *Play) diag() *inetdiag.Conn {
	if p.conn == nil {
		conn, err := inetdiag.Open()
		p.must(err)
		p.cleanup(func() { conn.Close() })
		p.conn = conn
	}
	return p.conn
}

// there reports whether the kernel still has a socket.
func (p *Play) there(key tcp.Socket) bool {
	var found tcp.Socket
	err := p.diag().Get(p.ctx, &key, 0, &found)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.must(err)
	}
	return err == nil
}

// spare is how much longer than the latest moment foretold a scene waits, to tell late from never.
const spare = 15 * time.Second

// Confirm waits for the end that was foretold and holds it against the forecast. got is what the application is to have been told, "" when none is left.
func (f *Prediction) Confirm(got func() string) {
	p := f.play
	if f.socket.Ends.Kind != "at" {
		p.must(fmt.Errorf("the forecast was %q where the kernel ends the socket: %s", f.socket.Ends.Kind, f.socket.Ends.Reason))
	}
	before, after := p.gone(f.key, f.taken, time.Duration(*f.socket.Ends.LatestSeconds)+spare)
	r := &p.result.Predictions[f.index]
	ended := before.Sub(f.taken) + after.Sub(before)/2
	r.EndedSeconds = report.SecondsOf(ended)
	r.CountedFromSeconds = f.countedFrom()
	r.ErrorSeconds = report.SecondsOf(offBy(f.socket.Ends, ended))
	if got != nil {
		r.Got = new(got())
	}
	inside := after.Sub(f.taken) >= time.Duration(*r.Ends.EarliestSeconds)-slack && before.Sub(f.taken) <= time.Duration(*r.Ends.LatestSeconds)+slack
	r.Right = inside && (r.Got == nil || r.Ends.Error != nil && *r.Got == *r.Ends.Error)
	text := fmt.Sprintf("ended after %s s: %s s off the forecast", report.Seconds(ended.Round(time.Millisecond)).Append(nil), r.ErrorSeconds.Append(nil))
	if r.Got != nil {
		text += ", the application got " + *r.Got
	}
	p.event(report.LabEvent{AtSeconds: p.since(), Kind: "end", Text: text})
	if !r.Right {
		p.must(fmt.Errorf("%s; %s", text, foretold(f.socket.Ends)))
	}
}

// countedFrom is when the limit of a forecast began to count, as the wire showed it: with the first retransmission (not that of a tail loss probe, which the kernel does not count), or with the
// first probe of a closed window.
func (f *Prediction) countedFrom() *report.Seconds {
	p := f.play
	p.mu.Lock()
	defer p.mu.Unlock()
	var again, probes []report.Seconds
	for i := range p.result.Story {
		switch e := &p.result.Story[i]; {
		case e.Segment == nil || !e.Segment.Sent || e.AtSeconds > p.result.Predictions[f.index].AtSeconds:
		case e.Segment.What == "window_probe":
			probes = append(probes, e.AtSeconds)
		case e.Segment.Repeat > 0:
			again = append(again, e.AtSeconds)
		}
	}
	counted, known := f.socket.Info.Number("retransmits")
	switch {
	case f.socket.Timer.Kind == "persist" && len(probes) > 0:
		return &probes[0]
	case f.socket.Timer.Kind == "retransmit" && known && counted > 0 && counted <= len(again):
		return &again[len(again)-counted]
	}
	return nil
}

// slack is how far a forecast counted from the beginning of a look may be off because the sockets were read a little later.
const slack = 50 * time.Millisecond

// offBy is how far the nearer of the likely moments was off.
func offBy(e report.Ends, ended time.Duration) time.Duration {
	off := (ended - time.Duration(*e.Seconds)).Round(time.Millisecond)
	if e.AlsoSeconds != nil {
		if other := (ended - time.Duration(*e.AlsoSeconds)).Round(time.Millisecond); other.Abs() < off.Abs() {
			return other
		}
	}
	return off
}

// Stays holds a forecast of "never" against the clock for a while.
func (f *Prediction) Stays(during time.Duration) {
	p := f.play
	if f.socket.Ends.Kind == "at" {
		p.must(fmt.Errorf("foretold to end although nothing ends it: %s", f.socket.Ends.Reason))
	}
	p.wait(during)
	if !p.there(f.key) {
		p.must(fmt.Errorf("ended within %v although nothing ends it: %s", during, f.socket.Ends.Reason))
	}
	p.result.Predictions[f.index].Right = true
	p.event(report.LabEvent{AtSeconds: p.since(), Kind: "end", Text: fmt.Sprintf("still there after %v, as foretold", during)})
}
