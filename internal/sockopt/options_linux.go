package sockopt

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// Options asks the TCP socket behind a descriptor of another process for the options its end depends on; see Borrow for the errors. SO_ERROR is not among them: asking
// for it takes the error away from the program.
func Options(pid, fd int, inode uint32, cookie tcp.Cookie) (look.Options, error) {
	b, err := Borrow(pid, fd, inode, cookie)
	if err != nil {
		return look.Options{}, err
	}
	defer b.Close()
	return b.options()
}

func (b *Borrowed) options() (o look.Options, err error) {
	if o.UserTimeout, err = b.UserTimeout(); err != nil {
		return o, err
	}
	if o.RTOMax, err = b.RTOMax(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return o, err
	}
	var idle, interval, thin int
	for _, option := range [...]struct {
		name   string
		number int
		value  *int
	}{
		{"TCP_KEEPIDLE", unix.TCP_KEEPIDLE, &idle}, {"TCP_KEEPINTVL", unix.TCP_KEEPINTVL, &interval}, {"TCP_KEEPCNT", unix.TCP_KEEPCNT, &o.KeepaliveProbes},
		{"TCP_SYNCNT", unix.TCP_SYNCNT, &o.SynRetries}, {"TCP_THIN_LINEAR_TIMEOUTS", unix.TCP_THIN_LINEAR_TIMEOUTS, &thin},
	} {
		if *option.value, err = unix.GetsockoptInt(b.dup, unix.IPPROTO_TCP, option.number); err != nil {
			return o, b.error("getsockopt "+option.name, err)
		}
	}
	o.KeepaliveTime, o.KeepaliveInterval, o.ThinLinear = time.Duration(idle)*time.Second, time.Duration(interval)*time.Second, thin != 0
	if o.ThinLinear {
		if o.Congestion, err = unix.GetsockoptString(b.dup, unix.IPPROTO_TCP, unix.TCP_CONGESTION); err != nil {
			return o, b.error("getsockopt TCP_CONGESTION", err)
		}
	}
	return o, nil
}
