package sockopt

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/tcp"
)

// Borrowed is a duplicate of a descriptor of another process. What is done to it is done to the owner's socket.
//
// It must be closed at once: while it is open, a close by the owner sends no FIN, and when it is the last reference its Close sends that FIN.
type Borrowed struct{ pid, fd, dup int }

// Borrow duplicates a descriptor of another process and makes sure that it is the TCP socket with this inode and cookie: ErrGone when it is not. Cookies
// are never used twice while the host is up (SO_COOKIE, since 4.12), so this cannot be another connection with the same addresses.
func Borrow(pid, fd int, inode uint32, cookie tcp.Cookie) (*Borrowed, error) {
	dup, op, err := duplicate(pid, fd, inode)
	if err != nil {
		return nil, borrowError(op, pid, fd, err)
	}
	b := &Borrowed{pid, fd, dup}
	if err := b.identify(cookie); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// duplicate returns a duplicate of a descriptor that is a socket with this inode, or which system call failed.
func duplicate(pid, fd int, inode uint32) (dup int, op string, err error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, "pidfd_open", err
	}
	defer unix.Close(process)
	if dup, err = unix.PidfdGetfd(process, fd, 0); err != nil {
		return -1, "pidfd_getfd", err
	}
	var stat unix.Stat_t
	if err = unix.Fstat(dup, &stat); err == nil && (stat.Mode&unix.S_IFMT != unix.S_IFSOCK || uint32(stat.Ino) != inode) {
		err = ErrGone
	}
	if err != nil {
		unix.Close(dup)
		return -1, "fstat", err
	}
	return dup, "", nil
}

// borrowError is the OpError of an attempt to reach a descriptor: a process or descriptor that is gone is ErrGone.
func borrowError(op string, pid, fd int, err error) error {
	if err == unix.ESRCH || err == unix.EBADF {
		err = ErrGone
	}
	return &OpError{op, pid, fd, err}
}

func (b *Borrowed) identify(cookie tcp.Cookie) error {
	got, err := unix.GetsockoptUint64(b.dup, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		return b.error("getsockopt SO_COOKIE", err)
	}
	if tcp.Cookie(got) != cookie {
		return b.error("getsockopt SO_COOKIE", ErrGone)
	}
	return nil
}

func (b *Borrowed) error(op string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{op, b.pid, b.fd, err}
}

// Close gives the duplicate back.
func (b *Borrowed) Close() { _ = unix.Close(b.dup) }

// State returns the socket's state, tcp.Closed when the connection is over.
func (b *Borrowed) State() (tcp.State, error) {
	raw, err := tcpInfo(b.dup)
	if err != nil || len(raw) == 0 {
		return 0, b.error("getsockopt TCP_INFO", err)
	}
	return tcp.State(raw[0]), nil
}

// UserTimeout returns TCP_USER_TIMEOUT (since 2.6.37), 0 when it is off.
func (b *Borrowed) UserTimeout() (time.Duration, error) {
	return b.milliseconds("TCP_USER_TIMEOUT", unix.TCP_USER_TIMEOUT)
}

// SetUserTimeout sets TCP_USER_TIMEOUT to a whole number of milliseconds. The kernel only stores it: a timer that runs is not rearmed.
func (b *Borrowed) SetUserTimeout(d time.Duration) error {
	return b.set("TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
}

// tcpRTOMaxMS is TCP_RTO_MAX_MS (include/uapi/linux/tcp.h, since 6.15).
const tcpRTOMaxMS = 44

// RTOMax returns TCP_RTO_MAX_MS: errors.ErrUnsupported before 6.15.
func (b *Borrowed) RTOMax() (time.Duration, error) {
	return b.milliseconds("TCP_RTO_MAX_MS", tcpRTOMaxMS)
}

// SetRTOMax sets TCP_RTO_MAX_MS, 1 s to 120 s. A timer that runs is not rearmed.
func (b *Borrowed) SetRTOMax(d time.Duration) error {
	return b.set("TCP_RTO_MAX_MS", unix.IPPROTO_TCP, tcpRTOMaxMS, int(d.Milliseconds()))
}

func (b *Borrowed) milliseconds(name string, option int) (time.Duration, error) {
	ms, err := unix.GetsockoptInt(b.dup, unix.IPPROTO_TCP, option)
	if err == unix.ENOPROTOOPT {
		err = unix.EOPNOTSUPP // which is errors.ErrUnsupported
	}
	return time.Duration(ms) * time.Millisecond, b.error("getsockopt "+name, err)
}

func (b *Borrowed) set(name string, level, option, value int) error {
	err := unix.SetsockoptInt(b.dup, level, option, value)
	if err == unix.ENOPROTOOPT {
		err = unix.EOPNOTSUPP
	}
	return b.error("setsockopt "+name, err)
}

// Keepalive is SO_KEEPALIVE with its times, in seconds as the kernel takes them.
type Keepalive struct {
	On       bool
	Idle     int // TCP_KEEPIDLE
	Interval int // TCP_KEEPINTVL
	Probes   int // TCP_KEEPCNT
}

// Keepalive returns the socket's keepalive. Times that the program has not set are those of the namespace.
func (b *Borrowed) Keepalive() (k Keepalive, err error) {
	on := 0
	for _, o := range [...]struct {
		name          string
		level, option int
		value         *int
	}{
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, &on},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, &k.Idle},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, &k.Interval},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, &k.Probes},
	} {
		if *o.value, err = unix.GetsockoptInt(b.dup, o.level, o.option); err != nil {
			return k, b.error("getsockopt "+o.name, err)
		}
	}
	k.On = on != 0
	return k, nil
}

// SetKeepalive sets all of it. The timer starts or stops at once; TCP_KEEPIDLE rearms it.
func (b *Borrowed) SetKeepalive(k Keepalive) error {
	on := 0
	if k.On {
		on = 1
	}
	err := b.set("TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, k.Interval)
	if err == nil {
		err = b.set("TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, k.Probes)
	}
	if err == nil {
		err = b.set("TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, k.Idle)
	}
	if err == nil {
		err = b.set("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, on)
	}
	return err
}

// CloseWrite is shutdown(SHUT_WR): a FIN follows what is still to be sent, and what has come stays readable. ErrGone when the connection is over (ENOTCONN).
func (b *Borrowed) CloseWrite() error {
	err := unix.Shutdown(b.dup, unix.SHUT_WR)
	if err == unix.ENOTCONN {
		err = ErrGone
	}
	return b.error("shutdown", err)
}
