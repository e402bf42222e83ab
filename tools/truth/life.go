package main

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// life is one socket from its stall to its end.
type life struct {
	scene
	stage  *stage
	ns     *namespace
	family string

	fd, far socket // the socket itself and the other end; -1 when closed
	key     key

	mu      sync.Mutex
	begun   bool // the other end is gone: forecasts count from here on
	version int  // counts what was changed: a forecast holds as long as nothing is
	options forecast.Options
	said    []said
	history []string
	died    time.Time
	// alive and gone are when it was last seen, and not seen, in the table; zero where its death was noticed otherwise.
	alive, gone time.Time
	timer       string // the kernel's timer that ended it, empty when not known
	diedAt      uint64 // jiffies then
	errno       unix.Errno
	failed      error
}

// key finds a socket in a table.
type key struct{ local, peer netip.AddrPort }

// scene is one kind of life: what happens to the socket, and in which row of the report it counts.
type scene struct {
	kind string
	note string
	// length is how long it takes at most, random start included.
	length time.Duration
	// at are the two addresses, by default the loopback of either family.
	from, to netip.Addr
	// immortal sockets must not die; mini ones end as a mini socket.
	immortal, mini bool
	// disturbed sockets change without a change of ours: the network reports something, a peer that answered is gone or repeats itself. No forecast foresees it.
	disturbed bool
	play      func(*life)
}

// said is what was forecast at one moment.
type said struct {
	at      time.Time
	until   time.Time // when the look was over
	version int
	socket  tcp.Socket
	hop     forecast.Neighbour
	clock   forecast.Clock
	missed  int64 // by how many jiffies the running timer was late already when it was seen in the wheel
	behind  int64 // by how many jiffies the kernel's count of them was behind when the socket was read, as far as its timer tells
	lanes   [lanes]forecast.Ends
}

// The lanes: the same moment forecast with more or less knowledge of the clock.
const (
	jiffies = iota
	hz
	nothing
	blind
	lanes
)

var laneNames = [lanes]string{"jiffies", "hz", "nothing", "blind"}

// change does something that makes earlier forecasts void.
func (l *life) change(what string, f func()) {
	l.void("") // a look that is under way sees this or the next
	f()
	l.void(what)
}

// void makes all forecasts so far void.
func (l *life) void(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version++
	if what != "" {
		l.history = append(l.history, time.Since(l.stage.began).Round(time.Millisecond).String()+" "+what)
	}
}

// begin says that the socket is left to the kernel from now on.
func (l *life) begin(what string) {
	l.change(what, func() {})
	l.mu.Lock()
	l.begun = true
	l.mu.Unlock()
}

// keep takes the two ends over and names the socket by its addresses.
func (l *life) keep(fd, far socket, k key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fd, l.far, l.key = fd, far, k
}

// fails notes that the life could not be led as written.
func (l *life) fails(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
}

// know tells the forecasts of an option.
func (l *life) know(f func(*forecast.Options)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.options)
}

// close leaves the socket to the kernel: an orphan.
func (l *life) close() {
	l.mu.Lock()
	fd := l.fd
	l.fd = -1
	l.mu.Unlock()
	if fd < 0 {
		return
	}
	l.stage.witness.forget(fd)
	fd.close()
	if !l.mini {
		go l.waitGone()
	}
}

// dies notes the death, once.
func (l *life) dies(at time.Time, errno unix.Errno) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.died.IsZero() && l.begun {
		l.died, l.errno = at, errno
	}
}

// vanishes notes a death between two moments.
func (l *life) vanishes(alive, gone time.Time) {
	l.dies(alive.Add(gone.Sub(alive)/2), 0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive, l.gone = alive, gone
}

func (l *life) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.died.IsZero()
}

func (l *life) current() (version int, begun bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version, l.begun && l.died.IsZero()
}

func (l *life) String() string {
	return strings.Join(slices.DeleteFunc([]string{l.kind, l.note, l.family, "in", l.ns.name}, func(s string) bool { return s == "" }), " ")
}
