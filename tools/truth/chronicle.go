package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/closewait/closewait/tcp"
)

// chronicle is what the kernel itself says happened and when: the firings of TCP's timers and the deaths of sockets. A wake-up that comes late changes nothing in it.
type chronicle struct {
	firings []firing
	deaths  []death
	unread  int // lines that are neither: events were lost
}

// firing is one timer served (timer:timer_expire_entry).
type firing struct {
	at    time.Time
	cpu   string
	timer string // its address, hashed
	mini  bool   // that of a mini or a request socket
	now   uint64 // jiffies
	late  int64  // jiffies after it was due
}

// death is a socket that became CLOSED (sock:inet_sock_set_state).
type death struct {
	at  time.Time
	cpu string
	key key
}

func (c *chronicle) sort() {
	slices.SortFunc(c.firings, func(a, b firing) int { return a.at.Compare(b.at) })
	slices.SortFunc(c.deaths, func(a, b death) int { return a.at.Compare(b.at) })
}

const (
	// hindsight is how long after a death somebody notices, at most.
	hindsight = 2 * time.Second
	// served is how long after a timer was served its socket is dead.
	served = time.Millisecond
)

// correct replaces the moment at which somebody saw a socket dead by that of its death, and finds the timer that ended it.
func (c *chronicle) correct(l *life) {
	if c == nil || l.died.IsZero() {
		return
	}
	if l.mini {
		c.correctMini(l)
		return
	}
	seen := l.died
	if !l.gone.IsZero() {
		seen = l.gone // died is but the middle of the time in which it vanished
	}
	for _, d := range slices.Backward(c.deaths) {
		if d.key != l.key || d.at.After(seen) || seen.Sub(d.at) > hindsight {
			continue
		}
		l.died = d.at
		if f := c.lastFiring(d.at, func(f *firing) bool { return f.cpu == d.cpu && d.at.Sub(f.at) < served }); f != nil {
			l.timer, l.diedAt = f.timer, f.now
		}
		return
	}
}

// correctMini takes the only firing of a mini socket's or request's timer in the time in which this one vanished. Nothing tells whose a firing is.
func (c *chronicle) correctMini(l *life) {
	var only *firing
	for i := range c.firings {
		if f := &c.firings[i]; f.mini && f.at.After(l.alive) && !f.at.After(l.gone) {
			if only != nil {
				return
			}
			only = f
		}
	}
	if only != nil {
		l.died = only.at
	}
}

// lastFiring is the last one until a moment that fits.
func (c *chronicle) lastFiring(until time.Time, fits func(*firing) bool) *firing {
	end, _ := slices.BinarySearchFunc(c.firings, until, func(f firing, t time.Time) int { return cmp.Or(f.at.Compare(t), -1) })
	for i := end - 1; i >= 0 && until.Sub(c.firings[i].at) < hindsight; i-- {
		if fits(&c.firings[i]) {
			return &c.firings[i]
		}
	}
	return nil
}

// latest is by how many jiffies the worst of a life's firings after a moment was served late.
func (c *chronicle) latest(l *life, from time.Time) (jiffies int64) {
	if c == nil || l.timer == "" {
		return 0
	}
	for i := range c.firings {
		if f := &c.firings[i]; f.timer == l.timer && f.at.After(from) && !f.at.After(l.died) {
			jiffies = max(jiffies, f.late)
		}
	}
	return jiffies
}

// before is by how many jiffies the last firing until a moment was served late.
func (c *chronicle) before(l *life, until time.Time) (jiffies int64) {
	if c == nil || l.timer == "" {
		return 0
	}
	for i := range c.firings {
		if f := &c.firings[i]; f.timer == l.timer && f.at.Before(until) {
			jiffies = f.late
		}
	}
	return jiffies
}

// share is what part of the firings was served late.
func (c *chronicle) share() (late float64) {
	for i := range c.firings {
		if c.firings[i].late > 0 {
			late++
		}
	}
	return late / float64(max(len(c.firings), 1))
}

// closed is the state of the dead as the tracepoint shows it.
const closed = int32(tcp.Closed)
