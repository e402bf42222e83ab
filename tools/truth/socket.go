package main

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	scenery "github.com/closewait/closewait/internal/stage"
	"github.com/closewait/closewait/tcp"
)

// Socket options that package unix does not have yet.
const (
	tcpRTOMaxMS = 44 // TCP_RTO_MAX_MS
	tcpRTOMinUS = 45 // TCP_RTO_MIN_US
)

// socket is the descriptor of a non-blocking TCP socket. What cannot be done to it ends the life it is of.
type socket scenery.Socket

func (s socket) staged() scenery.Socket { return scenery.Socket(s) }

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func familyOf(at netip.Addr) scenery.Family {
	if at.Is6() {
		return scenery.IPv6
	}
	return scenery.IPv4
}

// bound makes a socket with an address of its own, prepared before it has one: some options count from then on.
func bound(to netip.AddrPort, prepare func(socket)) (socket, error) {
	s, err := scenery.Open(familyOf(to.Addr()))
	if err != nil {
		return -1, err
	}
	if prepare != nil {
		prepare(socket(s))
	}
	return socket(s), s.Bind(to)
}

// listen makes a listener; what it is prepared with its children inherit.
func listen(at netip.Addr, prepare func(socket)) (socket, netip.AddrPort, error) {
	s, err := bound(netip.AddrPortFrom(at, 0), prepare)
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(int(s), 8))
	}
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	return s, s.local(), nil
}

// dial begins to connect, which on this host is over at once unless somebody is deaf.
func dial(from netip.Addr, to netip.AddrPort, prepare func(socket)) (socket, error) {
	s, err := bound(netip.AddrPortFrom(from, 0), prepare)
	if err == nil {
		err = s.staged().Begin(to)
	}
	return s, err
}

// connect makes a connection and returns its two ends, the accepted one first.
func connect(server, client netip.Addr, prepare func(socket)) (accepted, dialled socket, err error) {
	listener, at, err := listen(server, prepare)
	if err != nil {
		return -1, -1, err
	}
	defer listener.close()
	if dialled, err = dial(client, at, prepare); err != nil {
		return -1, -1, err
	}
	if !eventually(func() bool { return dialled.state() == tcp.Established }) {
		return -1, -1, errors.New("no handshake")
	}
	child, err := listener.staged().Accept()
	return socket(child), dialled, err
}

func (s socket) local() netip.AddrPort {
	at, err := s.staged().Local()
	check(err)
	return at
}

func (s socket) peer() netip.AddrPort {
	at, err := s.staged().Peer()
	check(err)
	return at
}

func (s socket) set(level, option, value int) { check(s.staged().Set(level, option, value)) }

// deafen loses every packet that arrives for the socket from now on.
func (s socket) deafen()   { check(s.staged().Deafen()) }
func (s socket) undeafen() { check(s.staged().Undeafen()) }

// write writes as much of n bytes as there is room for. A dead socket refuses, which is no matter.
func (s socket) write(n int) { _, _ = s.staged().Write(make([]byte, n)) }

func (s socket) shutdown() { _ = s.staged().CloseWrite() }
func (s socket) close()    { s.staged().Close() }
func (s socket) abort()    { s.staged().Abort() }

// state is CLOSED for a descriptor that tells none.
func (s socket) state() tcp.State {
	state, err := s.staged().State()
	if err != nil {
		return tcp.Closed
	}
	return state
}

func (s socket) uint(f tcp.Field) uint64 {
	info, err := s.staged().Info()
	check(err)
	n, _ := info.Uint(f)
	return n
}

// eventually asks again and again for a second.
func eventually(ask func() bool) bool {
	for range 500 {
		if ask() {
			return true
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}
