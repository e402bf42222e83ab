package main

import (
	"errors"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/tcp"
)

// Socket options that package unix does not have yet.
const (
	tcpRTOMaxMS = 44 // TCP_RTO_MAX_MS
	tcpRTOMinUS = 45 // TCP_RTO_MIN_US
)

// socket is the descriptor of a non-blocking TCP socket.
type socket int

func open(at netip.Addr) (socket, error) {
	family := unix.AF_INET
	if at.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	return socket(fd), os.NewSyscallError("socket", err)
}

func listen(at netip.Addr, prepare func(socket)) (socket, netip.AddrPort, error) {
	s, err := open(at)
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	if prepare != nil {
		prepare(s)
	}
	err = errors.Join(unix.Bind(int(s), sockaddr(netip.AddrPortFrom(at, 0))), unix.Listen(int(s), 8))
	return s, s.local(), os.NewSyscallError("listen", err)
}

// dial begins to connect, which on this host is over at once unless somebody is deaf.
func dial(from netip.Addr, to netip.AddrPort, prepare func(socket)) (socket, error) {
	s, err := open(to.Addr())
	if err != nil {
		return -1, err
	}
	if prepare != nil {
		prepare(s)
	}
	if err = unix.Bind(int(s), sockaddr(netip.AddrPortFrom(from, 0))); err != nil {
		return -1, os.NewSyscallError("bind", err)
	}
	if err = unix.Connect(int(s), sockaddr(to)); errors.Is(err, unix.EINPROGRESS) {
		err = nil
	}
	return s, os.NewSyscallError("connect", err)
}

// connect makes a connection and returns its two ends, the accepted one first.
func connect(server, client netip.Addr, prepare func(socket)) (accepted, dialled socket, err error) {
	listener, at, err := listen(server, prepare)
	if err != nil {
		return -1, -1, err
	}
	defer unix.Close(int(listener))
	if dialled, err = dial(client, at, prepare); err != nil {
		return -1, -1, err
	}
	if !eventually(func() bool { return dialled.state() == tcp.Established }) {
		return -1, -1, errors.New("no handshake")
	}
	for range 1000 {
		fd, _, err := unix.Accept4(int(listener), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err == nil {
			return socket(fd), dialled, nil
		}
		time.Sleep(time.Millisecond)
	}
	return -1, -1, errors.New("nothing to accept")
}

func (s socket) local() netip.AddrPort {
	sa, _ := unix.Getsockname(int(s))
	return addrPort(sa)
}

func (s socket) peer() netip.AddrPort {
	sa, _ := unix.Getpeername(int(s))
	return addrPort(sa)
}

func (s socket) set(level, option, value int) {
	if err := unix.SetsockoptInt(int(s), level, option, value); err != nil {
		panic(os.NewSyscallError("setsockopt", err))
	}
}

// deafen loses every packet that arrives for the socket from now on.
func (s socket) deafen() {
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	if err := unix.SetsockoptSockFprog(int(s), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop}); err != nil {
		panic(os.NewSyscallError("setsockopt", err))
	}
}

func (s socket) undeafen() { s.set(unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }

// write writes as much of n bytes as there is room for. A dead socket refuses, which is no matter.
func (s socket) write(n int) { _, _ = unix.Write(int(s), make([]byte, n)) }

func (s socket) shutdown() { _ = unix.Shutdown(int(s), unix.SHUT_WR) }
func (s socket) close()    { _ = unix.Close(int(s)) }

// abort closes with a reset.
func (s socket) abort() {
	_ = unix.SetsockoptLinger(int(s), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	s.close()
}

// info reads TCP_INFO, all of it.
func (s socket) info() tcp.Info {
	raw := make([]byte, 512)
	length := uint32(len(raw))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&raw[0])), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return tcp.Info{}
	}
	return tcp.MakeInfo(raw[:length])
}

func (s socket) state() tcp.State {
	info := s.info()
	if !info.Known() {
		return tcp.Closed
	}
	return tcp.State(info.Bytes()[0])
}

func (s socket) uint(f tcp.Field) uint64 {
	info := s.info()
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

func sockaddr(ap netip.AddrPort) unix.Sockaddr {
	if ap.Addr().Is6() {
		return &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
