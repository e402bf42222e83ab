package stage

import (
	"errors"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capture sees the TCP segments of all devices of a network: a packet socket, as tcpdump has one. It must be closed.
type Capture struct{ fd int }

// OpenCapture begins to capture in the calling thread's network. It needs CAP_NET_RAW there, which whoever made the network has.
func OpenCapture() (*Capture, error) {
	const everything = unix.ETH_P_ALL
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, everything<<8|everything>>8)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20) // less is lost in a burst; the default does, too
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return &Capture{fd}, nil
}

// Close ends the capture.
func (c *Capture) Close() { _ = unix.Close(c.fd) }

// Next waits for a segment and returns it with the kernel's time stamp. Each segment on a loopback device comes once, as sent.
//
// Errors: [os.ErrDeadlineExceeded] when none came within the time given.
func (c *Capture) Next(within time.Duration) (Segment, error) {
	packet, control := make([]byte, 256), make([]byte, 64)
	set := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
	for deadline := time.Now().Add(within); ; {
		n, stamp, from, err := c.receive(packet, control)
		switch {
		case errors.Is(err, unix.EAGAIN):
			left := time.Until(deadline)
			if left <= 0 {
				return Segment{}, os.ErrDeadlineExceeded
			}
			if _, err := unix.Poll(set, int(left.Milliseconds())+1); err != nil && err != unix.EINTR {
				return Segment{}, os.NewSyscallError("poll", err)
			}
			continue
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return Segment{}, os.NewSyscallError("recvmsg", err)
		}
		s, ok := DecodeSegment(packet[:n])
		if s.Sent = from.Pkttype == unix.PACKET_OUTGOING; !ok || !s.Sent && from.Hatype == unix.ARPHRD_LOOPBACK {
			continue
		}
		s.At = stamp
		return s, nil
	}
}

func (c *Capture) receive(packet, control []byte) (int, time.Time, *unix.SockaddrLinklayer, error) {
	n, length, _, from, err := unix.Recvmsg(c.fd, packet, control, 0)
	if err != nil {
		return 0, time.Time{}, nil, err
	}
	link, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return 0, time.Time{}, nil, unix.EINTR // not from a device: no segment
	}
	return n, timestamp(control[:length]), link, nil
}

// timestamp finds the time of receipt among the control messages, or takes the present.
func timestamp(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Now()
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return time.Unix(ts.Unix())
		}
	}
	return time.Now()
}
