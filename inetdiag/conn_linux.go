package inetdiag

import (
	"errors"
	"io"
	"os"
	"sync"
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

// socket is a NETLINK_SOCK_DIAG socket. An answer is there as soon as the request was sent, and the next part of a dump as soon as the one before was read: were the socket in the runtime's poller, each
// part would wake a thread for nothing (__netlink_sendskb), which took a twelfth of what a list costs. So the poller gets it only when somebody has to wait.
type socket struct {
	fd          int // -1 when it is closed
	mutex       sync.Mutex
	file        *os.File // behind the poller, nil until somebody had to wait; it owns fd
	interrupted bool
}

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
	return &socket{fd: fd}, nil
}

func (s *socket) send(b []byte) error {
	_, err := untilDone(unix.Write, s.fd, b) // the kernel's end takes a request at once (netlink_unicast_kernel)
	return os.NewSyscallError("write", err)
}

func (s *socket) receive(b []byte) (int, error) {
	file, err := s.poller(false)
	if err != nil {
		return 0, err
	}
	if file == nil {
		switch n, err := untilDone(unix.Read, s.fd, b); {
		case n == 0 && err == nil:
			return 0, io.EOF
		case !errors.Is(err, unix.EAGAIN):
			return n, os.NewSyscallError("read", err)
		}
		if file, err = s.poller(true); err != nil {
			return 0, err
		}
	}
	n, err := file.Read(b)
	return n, bare(err)
}

// poller returns the socket behind the runtime's poller, nil where nobody has waited yet and nobody has to.
func (s *socket) poller(wait bool) (*os.File, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.interrupted {
		return nil, os.NewSyscallError("read", os.ErrDeadlineExceeded)
	}
	if s.file == nil && wait {
		s.file = os.NewFile(uintptr(s.fd), "sock_diag")
	}
	return s.file, nil
}

func (s *socket) interrupt() func() {
	s.setInterrupted(true, time.Unix(1, 0))
	return func() { s.setInterrupted(false, time.Time{}) }
}

func (s *socket) setInterrupted(interrupted bool, deadline time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.interrupted = interrupted; s.file != nil {
		_ = s.file.SetReadDeadline(deadline)
	}
}

func (s *socket) close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	fd := s.fd
	s.fd = -1
	switch {
	case s.file != nil:
		return bare(s.file.Close())
	case fd < 0:
		return os.ErrClosed
	}
	return os.NewSyscallError("close", unix.Close(fd))
}

// untilDone calls until no signal interrupts. It returns 0 with an error.
func untilDone(call func(fd int, b []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		switch n, err := call(fd, b); {
		case err == nil:
			return n, nil
		case !errors.Is(err, unix.EINTR):
			return 0, err
		}
	}
}

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
