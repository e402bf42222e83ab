package stage

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// Patience is how long any step may take before it counts as failed.
const Patience = 5 * time.Second

// Socket is the descriptor of a non-blocking TCP socket. Errors of its methods are those of the system call they name, or [os.ErrDeadlineExceeded].
type Socket int

// Open makes a socket that is neither bound nor connected.
func Open(fam Family) (Socket, error) {
	fd, err := unix.Socket(int(fam.Kernel()), unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if fam == Mapped { // whatever the sysctl net.ipv6.bindv6only says
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	return Socket(fd), os.NewSyscallError("setsockopt", err)
}

// Listen makes a listening socket; port 0 leaves the choice to the kernel.
func Listen(fam Family, at netip.AddrPort, backlog int) (Socket, error) {
	s, err := Open(fam)
	if err != nil {
		return -1, err
	}
	if err = s.Bind(at); err == nil {
		err = os.NewSyscallError("listen", unix.Listen(int(s), backlog))
	}
	if err != nil {
		s.Close()
		return -1, err
	}
	return s, nil
}

// Bind gives the socket its local address.
func (s Socket) Bind(to netip.AddrPort) error {
	return os.NewSyscallError("bind", unix.Bind(int(s), sockaddr(to)))
}

// Begin starts to connect and does not wait.
func (s Socket) Begin(to netip.AddrPort) error {
	err := unix.Connect(int(s), sockaddr(to))
	if err == unix.EINPROGRESS {
		return nil
	}
	return os.NewSyscallError("connect", err)
}

// Connect connects; on loopback the handshake is mostly over when the system call returns.
func (s Socket) Connect(to netip.AddrPort) error {
	if err := unix.Connect(int(s), sockaddr(to)); err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	if err := s.Wait(unix.POLLOUT); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return os.NewSyscallError("connect", s.Error())
}

// Error returns and clears the error the kernel keeps for the socket (SO_ERROR), nil when there is none.
func (s Socket) Error() error {
	code, err := unix.GetsockoptInt(int(s), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return err
}

// Accept waits for a connection and accepts it.
func (s Socket) Accept() (Socket, error) {
	for {
		child, _, err := unix.Accept4(int(s), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		switch err {
		case nil:
			return Socket(child), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			if err := s.Wait(unix.POLLIN); err != nil {
				return -1, fmt.Errorf("accept: %w", err)
			}
		default:
			return -1, os.NewSyscallError("accept4", err)
		}
	}
}

// Wait waits until the descriptor is ready for one of the events of poll(2).
func (s Socket) Wait(events int16) error {
	deadline := time.Now().Add(Patience)
	set := []unix.PollFd{{Fd: int32(s), Events: events}}
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		n, err := unix.Poll(set, int(left.Milliseconds())+1)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
		if n > 0 {
			return nil
		}
	}
}

// Close closes the descriptor. The kernel may go on with the socket: an orphan.
func (s Socket) Close() { _ = unix.Close(int(s)) }

// Abort closes by a reset, which leaves no trace in the tables of the other end either. Disconnecting (tcp_disconnect) takes effect at once; close alone waits
// for the last reference to the file, and a child that another goroutine has just forked may hold one until it calls execve.
func (s Socket) Abort() {
	unspecified := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, _ = unix.Syscall(unix.SYS_CONNECT, uintptr(s), uintptr(unsafe.Pointer(&unspecified)), unsafe.Sizeof(unspecified))
	s.Close()
}

// CloseWrite sends a FIN and keeps the socket open.
func (s Socket) CloseWrite() error {
	return os.NewSyscallError("shutdown", unix.Shutdown(int(s), unix.SHUT_WR))
}

// Set sets an integer option.
func (s Socket) Set(level, option, value int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(s), level, option, value))
}

// Keepalive switches keepalive probes on: after idle seconds of silence, then each interval seconds, given up after count.
func (s Socket) Keepalive(idle, interval, count int) error {
	return errors.Join(
		s.Set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, idle), s.Set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, interval),
		s.Set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, count), s.Set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1),
	)
}

// UserTimeout sets TCP_USER_TIMEOUT: how long sent data may stay unacknowledged.
func (s Socket) UserTimeout(d time.Duration) error {
	return s.Set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
}

// ReceiveBuffer sets SO_RCVBUF; before connecting it decides on the window scale, too.
func (s Socket) ReceiveBuffer(bytes int) error { return s.Set(unix.SOL_SOCKET, unix.SO_RCVBUF, bytes) }

// Deafen loses every packet that arrives for the socket from now on, as if the path to it were broken (tcp_filter drops it before TCP sees it). Its own packets go out. A
// deaf listener ignores SYNs.
func (s Socket) Deafen() error {
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	program := unix.SockFprog{Len: 1, Filter: &drop}
	return os.NewSyscallError("setsockopt", unix.SetsockoptSockFprog(int(s), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program))
}

// Undeafen ends what Deafen began.
func (s Socket) Undeafen() error { return s.Set(unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }

// Info returns the socket's struct tcp_info as getsockopt(TCP_INFO) gives it: all of it, not the fixed size that package unix knows.
func (s Socket) Info() (tcp.Info, error) {
	raw := make([]byte, 512)
	length := uint32(len(raw))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&raw[0])), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return tcp.Info{}, os.NewSyscallError("getsockopt", errno)
	}
	return tcp.MakeInfo(raw[:length]), nil
}

// State returns the socket's state (tcpi_state).
func (s Socket) State() (tcp.State, error) {
	info, err := s.Info()
	if err != nil {
		return 0, err
	}
	return tcp.State(info.Bytes()[0]), nil
}

// Local returns the socket's own address in the form the kernel reports it.
func (s Socket) Local() (netip.AddrPort, error) {
	sa, err := unix.Getsockname(int(s))
	return addrPort(sa), os.NewSyscallError("getsockname", err)
}

// Peer returns the address of the other end.
func (s Socket) Peer() (netip.AddrPort, error) {
	sa, err := unix.Getpeername(int(s))
	return addrPort(sa), os.NewSyscallError("getpeername", err)
}

// Inode returns the socket's inode number in sockfs.
func (s Socket) Inode() (uint32, error) {
	var stat unix.Stat_t
	err := unix.Fstat(int(s), &stat)
	return uint32(stat.Ino), os.NewSyscallError("fstat", err)
}

func sockaddr(ap netip.AddrPort) unix.Sockaddr {
	if ap.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
}

// addrPort keeps IPv4-mapped addresses as they are: that is how the kernel reports them.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
