package main

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/tcp"
)

// witness sees sockets die that are held: the kernel wakes whoever waits for their descriptor (sk_state_change, sk_error_report).
type witness struct {
	epoll int
	mu    sync.Mutex
	held  map[socket]*life
}

func newWitness() (*witness, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	w := &witness{epoll: fd, held: map[socket]*life{}}
	return w, os.NewSyscallError("epoll_create1", err)
}

// watch begins to wait for the death of a life, which has its addresses.
func (w *witness) watch(l *life) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[l.fd] = l
	// Edges only: a socket with both directions shut down counts as hung up while it lives.
	event := unix.EpollEvent{Events: unix.EPOLLET & 0xffffffff, Fd: int32(l.fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, int(l.fd), &event))
}

// forget is told before a descriptor is closed.
func (w *witness) forget(fd socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.held[fd]; ok {
		delete(w.held, fd)
		_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, int(fd), nil)
	}
}

// waitHeld runs until the end of the program.
func (w *witness) waitHeld() {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 64)
	for {
		n, _ := unix.EpollWait(w.epoll, events, -1)
		now := time.Now()
		for _, e := range events[:max(n, 0)] {
			w.look(socket(e.Fd), now)
		}
	}
}

// look notes the death of a held socket if the wake-up was about that.
func (w *witness) look(fd socket, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.held[fd]
	if l == nil || fd.state() != tcp.Closed {
		return
	}
	code, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	l.dies(now, unix.Errno(code))
}

// waitGone asks for a socket that nobody holds until it is gone, the more often the nearer its timer is. The event that reports a freed socket
// (inetdiag.Events) comes from a workqueue, on a busy machine half a second late.
func (l *life) waitGone() {
	want := tcp.Socket{Family: tcp.IPv4, Local: tcp.EndpointOf(l.key.local), Peer: tcp.EndpointOf(l.key.peer), Cookie: tcp.NoCookie}
	if l.key.local.Addr().Is6() {
		want.Family = tcp.IPv6
	}
	last := time.Now()
	for last.Before(l.stage.ends) {
		var found tcp.Socket
		now := time.Now()
		err := l.ns.get(&want, &found)
		if errors.Is(err, fs.ErrNotExist) || err == nil && found.Peer != want.Peer { // a listener answers for its requests
			l.vanishes(last, now)
			return
		}
		last = now
		time.Sleep(min(max(found.Timer.Expires/2, finest), coarsest))
	}
}

// Between these it is asked whether a socket still is there.
const (
	finest   = 2 * time.Millisecond
	coarsest = 200 * time.Millisecond
)
