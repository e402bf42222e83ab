package stage

import (
	"os"

	"golang.org/x/sys/unix"
)

// Poll is an epoll instance, the heart of an event loop.
type Poll int

// OpenPoll makes an epoll instance.
func OpenPoll() (Poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return Poll(fd), os.NewSyscallError("epoll_create1", err)
}

// Add watches a socket for input.
func (p Poll) Add(s Socket) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(p), unix.EPOLL_CTL_ADD, int(s), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s)}))
}

// Remove watches a socket no longer.
func (p Poll) Remove(s Socket) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(p), unix.EPOLL_CTL_DEL, int(s), nil))
}

// Wait waits, without a limit, until a socket is ready.
func (p Poll) Wait() (Socket, error) {
	events := make([]unix.EpollEvent, 1)
	for {
		n, err := unix.EpollWait(int(p), events, -1)
		if err != nil && err != unix.EINTR {
			return -1, os.NewSyscallError("epoll_wait", err)
		}
		if n > 0 {
			return Socket(events[0].Fd), nil
		}
	}
}

// SendAway sends the descriptor over a pair of unix sockets that nobody reads, and closes it: the connection is then held by a message. The pair is returned.
func (s Socket) SendAway() ([2]int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(int(s)), nil, 0)
	}
	if err != nil {
		return pair, os.NewSyscallError("sendmsg", err)
	}
	s.Close()
	return pair, nil
}

// Inherit lets processes started from now on get the descriptor, as a program without close-on-exec does.
func (s Socket) Inherit() error {
	_, err := unix.FcntlInt(uintptr(s), unix.F_SETFD, 0)
	return os.NewSyscallError("fcntl", err)
}
