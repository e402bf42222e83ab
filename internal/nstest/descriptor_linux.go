package nstest

import (
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// patience is how long any step may take before it counts as failed.
const patience = 5 * time.Second

// descriptor is a non-blocking TCP socket: the part of Socket that needs no test, shared with the holder process.
type descriptor int

func openSocket(fam Family) (descriptor, error) {
	fd, err := unix.Socket(int(fam.Kernel()), unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if fam == Mapped { // whatever the sysctl net.ipv6.bindv6only says
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	return descriptor(fd), os.NewSyscallError("setsockopt", err)
}

// listen returns a listening socket on a port of the kernel's choice.
func listen(fam Family, addr netip.Addr, backlog int) (descriptor, error) {
	fd, err := openSocket(fam)
	if err != nil {
		return -1, err
	}
	if err = fd.bind(netip.AddrPortFrom(addr, 0)); err == nil {
		err = os.NewSyscallError("listen", unix.Listen(int(fd), backlog))
	}
	if err != nil {
		fd.close()
		return -1, err
	}
	return fd, nil
}

func (fd descriptor) bind(to netip.AddrPort) error {
	return os.NewSyscallError("bind", unix.Bind(int(fd), sockaddr(to)))
}

// begin starts to connect and does not wait.
func (fd descriptor) begin(to netip.AddrPort) error {
	err := unix.Connect(int(fd), sockaddr(to))
	if err == unix.EINPROGRESS {
		return nil
	}
	return os.NewSyscallError("connect", err)
}

// connect connects; on loopback the handshake is mostly over when the system call returns.
func (fd descriptor) connect(to netip.AddrPort) error {
	if err := unix.Connect(int(fd), sockaddr(to)); err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	if err := fd.wait(unix.POLLOUT); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return os.NewSyscallError("connect", err)
}

func (fd descriptor) accept() (descriptor, error) {
	for {
		child, _, err := unix.Accept4(int(fd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		switch err {
		case nil:
			return descriptor(child), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			if err := fd.wait(unix.POLLIN); err != nil {
				return -1, fmt.Errorf("accept: %w", err)
			}
		default:
			return -1, os.NewSyscallError("accept4", err)
		}
	}
}

// wait waits until the descriptor is ready for one of the events.
func (fd descriptor) wait(events int16) error {
	deadline := time.Now().Add(patience)
	set := []unix.PollFd{{Fd: int32(fd), Events: events}}
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

func (fd descriptor) close() { _ = unix.Close(int(fd)) }

// abort closes by a reset, which leaves no trace in the tables of the other end either. Disconnecting (tcp_disconnect) takes effect at once; close alone waits
// for the last reference to the file, and a child that another goroutine has just forked may hold one until it calls execve.
func (fd descriptor) abort() {
	unspecified := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, _ = unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspecified)), unsafe.Sizeof(unspecified))
	fd.close()
}

func (fd descriptor) local() (netip.AddrPort, error) {
	sa, err := unix.Getsockname(int(fd))
	return addrPort(sa), os.NewSyscallError("getsockname", err)
}

func (fd descriptor) peer() (netip.AddrPort, error) {
	sa, err := unix.Getpeername(int(fd))
	return addrPort(sa), os.NewSyscallError("getpeername", err)
}

func (fd descriptor) inode() (uint32, error) {
	var stat unix.Stat_t
	err := unix.Fstat(int(fd), &stat)
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
