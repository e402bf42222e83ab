package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// must ends a life that cannot be led as written. It is reported as failed.
func must(what string, ok bool) {
	if !ok {
		panic(what)
	}
}

// connect makes the socket (the accepted end) with options set on the listener, which it inherits.
func (l *life) connect(prepare func(socket)) {
	var fd, far socket
	err := l.ns.do(func() (err error) { fd, far, err = connect(l.from, l.to, prepare); return err })
	if err != nil {
		panic(err)
	}
	l.keep(fd, far, key{fd.local(), fd.peer()})
	if err := l.stage.witness.watch(l); err != nil {
		panic(err)
	}
}

// talk gives the socket a round-trip time: the far end delays its acknowledgements.
func (l *life) talk(turns int) {
	l.fd.set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	for range turns {
		l.far.set(unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
		l.fd.write(1)
		time.Sleep(60 * time.Millisecond)
	}
}

// send is how a stall begins.
type send struct{ turns, writes, size int }

func (l *life) send(s send) {
	for range s.writes {
		l.fd.write(s.size)
	}
}

// half makes the far end close its side, and reads up to there.
func (l *life) half() {
	l.far.shutdown()
	must("no CLOSE_WAIT", eventually(func() bool { return l.fd.state() == tcp.CloseWait }))
	must("no FIN_WAIT_2", eventually(func() bool { return l.far.state() == tcp.FinWait2 }))
	_, _ = unix.Read(int(l.fd), make([]byte, 16))
}

// stall brings the socket into a state with something unanswered in flight.
func (l *life) stall(state string, s send) {
	l.talk(s.turns)
	if state == "close_wait" || state == "last_ack" || state == "last_ack orphan" {
		l.half()
	}
	l.far.deafen()
	l.begin("stalls")
	switch state {
	case "established", "close_wait":
		l.send(s)
	case "fin_wait_1", "last_ack":
		if s.turns%2 == 0 {
			l.send(s)
		}
		l.change("shutdown", l.fd.shutdown)
	case "fin_wait_1 orphan", "last_ack orphan":
		if s.turns%2 == 0 {
			l.send(s)
		}
		l.change("close", l.close)
	}
}

// states are those in which data or a FIN can be in flight for ever.
var states = []string{"established", "close_wait", "fin_wait_1", "last_ack", "fin_wait_1 orphan", "last_ack orphan"}

func retransmitting(state string, s send) func(*life) {
	return func(l *life) { l.connect(nil); l.stall(state, s) }
}

// withReno uses a congestion control that knows slow start: the time-outs of thin streams double in the first one.
func withReno(state string, s send) func(*life) {
	return func(l *life) {
		l.connect(nil)
		_ = unix.SetsockoptString(int(l.fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
		l.stall(state, s)
	}
}

// withRTOMin lowers the least time-out of the socket.
func withRTOMin(state string, s send, rtoMin time.Duration) func(*life) {
	return func(l *life) {
		l.connect(nil)
		l.fd.set(unix.IPPROTO_TCP, tcpRTOMinUS, int(rtoMin/time.Microsecond))
		l.stall(state, s)
	}
}

// withRTOMax sets the longest time-out of the socket alone.
func withRTOMax(state string, s send, rtoMax time.Duration) func(*life) {
	return func(l *life) {
		l.connect(nil)
		l.fd.set(unix.IPPROTO_TCP, tcpRTOMaxMS, int(rtoMax/time.Millisecond))
		l.know(func(o *forecast.Options) { o.RTOMax = forecast.Is(rtoMax) })
		l.stall(state, s)
	}
}

func (l *life) setUserTimeout(d time.Duration) {
	l.fd.set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d/time.Millisecond))
	l.know(func(o *forecast.Options) { o.UserTimeout = forecast.Is(d) })
}

func userTimeoutBefore(state string, s send, d time.Duration) func(*life) {
	return func(l *life) { l.connect(nil); l.setUserTimeout(d); l.stall(state, s) }
}

// userTimeoutLater sets it when the socket has been stalled for a while. It may be dead by then.
func userTimeoutLater(state string, s send, before, d, after time.Duration) func(*life) {
	return func(l *life) {
		l.connect(nil)
		if before != 0 {
			l.setUserTimeout(before)
		}
		l.stall(state, s)
		time.Sleep(after)
		if !l.dead() {
			l.change(fmt.Sprintf("user timeout %v", d), func() { l.setUserTimeout(d) })
		}
	}
}

// orphaned closes the socket when it has been stalled for a while.
func orphaned(state string, s send, after time.Duration) func(*life) {
	return func(l *life) {
		l.connect(nil)
		l.stall(state, s)
		time.Sleep(after)
		l.change("close", l.close)
	}
}

// closeWindow fills the far end, which does not read, until its window is closed.
func (l *life) closeWindow(halfClosed bool) {
	l.connect(func(s socket) { s.set(unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<10) })
	if halfClosed {
		l.half()
	}
	l.fd.write(64 << 10)
	must("the window stays open", eventually(func() bool { return l.fd.uint(tcp.Unacked) == 0 && l.fd.uint(tcp.NotSentBytes) > 0 }))
	l.begin("window closed")
}

func zeroWindowLive(halfClosed bool) func(*life) { return func(l *life) { l.closeWindow(halfClosed) } }

func zeroWindowVanishes(halfClosed bool, after time.Duration) func(*life) {
	return func(l *life) {
		l.closeWindow(halfClosed)
		time.Sleep(after)
		l.change("the peer vanishes", l.far.deafen)
	}
}

func zeroWindowUserTimeout(vanished bool, d, after time.Duration) func(*life) {
	return func(l *life) {
		l.closeWindow(true)
		if vanished {
			l.change("the peer vanishes", l.far.deafen)
		}
		time.Sleep(after)
		l.change(fmt.Sprintf("user timeout %v", d), func() { l.setUserTimeout(d) })
	}
}

func zeroWindowOrphan(vanished bool, after time.Duration) func(*life) {
	return func(l *life) {
		l.closeWindow(true)
		if vanished {
			l.change("the peer vanishes", l.far.deafen)
		}
		time.Sleep(after)
		l.change("close", l.close)
	}
}

// keeping is how a socket keeps its connection alive.
type keeping struct {
	idle, interval, count int
	user                  time.Duration
}

func (l *life) keepalive(k keeping, halfClosed bool) {
	l.connect(nil)
	if halfClosed {
		l.half()
	}
	l.fd.set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, k.idle)
	l.fd.set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, k.interval)
	l.fd.set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, k.count)
	l.fd.set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	l.know(func(o *forecast.Options) {
		o.KeepaliveTime, o.KeepaliveInterval = forecast.Is(time.Duration(k.idle)*time.Second), forecast.Is(time.Duration(k.interval)*time.Second)
		o.KeepaliveProbes = forecast.Is(int64(k.count))
	})
	if k.user != 0 {
		l.setUserTimeout(k.user)
	}
}

func keepaliveVanishes(k keeping, halfClosed bool, after time.Duration) func(*life) {
	return func(l *life) {
		l.keepalive(k, halfClosed)
		time.Sleep(after)
		l.far.deafen()
		l.begin("the peer vanishes")
	}
}

// keepaliveForgotten has a peer that answers the next probe with a reset.
func keepaliveForgotten(k keeping, halfClosed bool, after time.Duration, told bool) func(*life) {
	return func(l *life) {
		l.keepalive(k, halfClosed)
		time.Sleep(after)
		l.fd.deafen()
		l.far.abort()
		l.fd.undeafen()
		if told {
			l.know(func(o *forecast.Options) { o.PeerForgot = true })
		}
		l.begin("the peer forgets")
	}
}

func keepaliveLive(k keeping) func(*life) {
	return func(l *life) { l.keepalive(k, false); l.begin("keeps alive") }
}

// finWait2 closes the socket, whose peer does not close its side.
func finWait2(linger int) func(*life) {
	return func(l *life) {
		l.connect(nil)
		if linger != 0 {
			l.fd.set(unix.IPPROTO_TCP, unix.TCP_LINGER2, linger)
			l.know(func(o *forecast.Options) { o.Linger = forecast.Is(time.Duration(linger) * time.Second) })
		}
		l.close()
		must("no CLOSE_WAIT", eventually(func() bool { return l.far.state() == tcp.CloseWait }))
		l.begin("close")
		l.waitGone()
	}
}

func timeWait(l *life) {
	l.connect(nil)
	l.close()
	must("no CLOSE_WAIT", eventually(func() bool { return l.far.state() == tcp.CloseWait }))
	l.far.close()
	l.begin("both close")
	l.waitGone()
}

// synSent asks a deaf listener.
func synSent(user time.Duration) func(*life) {
	return func(l *life) {
		err := l.ns.do(func() error {
			listener, at, err := listen(l.from, nil)
			if err != nil {
				return err
			}
			listener.deafen()
			fd, err := dial(l.to, at, func(s socket) {
				if user != 0 {
					s.set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(user/time.Millisecond))
				}
			})
			l.keep(fd, listener, key{fd.local(), at})
			return err
		})
		if err != nil {
			panic(err)
		}
		if user != 0 {
			l.know(func(o *forecast.Options) { o.UserTimeout = forecast.Is(user) })
		}
		l.begin("connects")
		if err := l.stage.witness.watch(l); err != nil {
			panic(err)
		}
	}
}

// synReceived is asked by a deaf peer.
func synReceived(l *life) {
	err := l.ns.do(func() error {
		_, at, err := listen(l.from, nil) // which stays
		if err != nil {
			return err
		}
		far, err := dial(l.to, at, socket.deafen)
		l.keep(-1, far, key{at, far.local()})
		return err
	})
	if err != nil {
		panic(err)
	}
	l.begin("is asked")
	l.waitGone()
}

// keepaliveBusy writes into a black hole with keepalive on, whose timer retransmission hides.
func keepaliveBusy(k keeping, s send) func(*life) {
	return func(l *life) { l.keepalive(k, true); l.far.deafen(); l.begin("stalls"); l.send(s) }
}
