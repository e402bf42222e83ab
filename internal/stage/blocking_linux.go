package stage

import (
	"errors"
	"os"
	"time"

	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// Block makes the calls of the descriptor wait in the kernel, as in a program with a thread for each connection.
func (s Socket) Block() error {
	return os.NewSyscallError("fcntl", unix.SetNonblock(int(s), false))
}

// Read reads what is there; 0 and no error is the end of what the peer sent.
func (s Socket) Read(buf []byte) (int, error) {
	for {
		n, err := unix.Read(int(s), buf)
		if err != unix.EINTR {
			return max(n, 0), os.NewSyscallError("read", err)
		}
	}
}

// Write writes as much as there is room for.
func (s Socket) Write(data []byte) (int, error) {
	for {
		n, err := unix.Write(int(s), data)
		if err != unix.EINTR {
			return max(n, 0), os.NewSyscallError("write", err)
		}
	}
}

// ReadEnd reads up to the end of what the peer sent, waiting for it.
func (s Socket) ReadEnd() error {
	for buf := make([]byte, 4096); ; {
		if err := s.Wait(unix.POLLIN); err != nil {
			return err
		}
		if n, err := s.Read(buf); n == 0 || err != nil {
			return err
		}
	}
}

// AwaitEnd waits, without a limit, until the kernel has ended the connection, and returns the error it left for the application, nil for none.
func (s Socket) AwaitEnd() error {
	for {
		set := []unix.PollFd{{Fd: int32(s)}} // POLLERR and POLLHUP come unasked
		_, err := unix.Poll(set, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		case set[0].Revents&unix.POLLERR != 0:
			return s.Error()
		}
		// Both directions are shut down, which poll calls hung up long before the end (tcp_poll).
		state, err := s.State()
		if err != nil || state == tcp.Closed {
			return errors.Join(err, s.Error())
		}
		Sleep(time.Millisecond)
	}
}

// ErrorName returns an error of the kernel as programmers know it ("ETIMEDOUT"), "none" for nil.
func ErrorName(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
