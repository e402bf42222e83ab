package inetdiag

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Open connects to the sock_diag of the network namespace the calling thread is in. It needs no privilege.
//
// Errors: EPROTONOSUPPORT where the kernel has no sock_diag (CONFIG_INET_DIAG).
func Open() (*Conn, error) {
	s, err := openSocket(0)
	if err != nil {
		return nil, opError("open", err)
	}
	return newConn(s), nil
}

// socket is a NETLINK_SOCK_DIAG socket behind the runtime's poller.
type socket struct{ file *os.File }

func openSocket(groups uint32) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	// Extended acknowledgements are words for people: a kernel without them (before 4.12) does as well.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	// Our own request does not need to come back with each acknowledgement.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	// A connected netlink socket takes messages from its peer only, here the kernel (netlink_getsockbyportid).
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	return &socket{os.NewFile(uintptr(fd), "sock_diag")}, nil
}

func (s *socket) send(b []byte) error {
	_, err := s.file.Write(b)
	return bare(err)
}

func (s *socket) receive(b []byte) (int, error) {
	n, err := s.file.Read(b)
	return n, bare(err)
}

func (s *socket) interrupt() func() {
	_ = s.file.SetReadDeadline(time.Unix(1, 0))
	return func() { _ = s.file.SetReadDeadline(time.Time{}) }
}

func (s *socket) close() error { return bare(s.file.Close()) }

// threadTime is for how long the calling thread has run (CLOCK_THREAD_CPUTIME_ID), 0 where the kernel does not say.
func threadTime() time.Duration {
	var ran unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ran) != nil {
		return 0
	}
	return time.Duration(ran.Nano())
}

// bare takes the invented file name out of an error of package os and leaves the operation with its errno.
func bare(err error) error {
	if pe, ok := err.(*os.PathError); ok {
		return os.NewSyscallError(pe.Op, pe.Err)
	}
	return err
}
