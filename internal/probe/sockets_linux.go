package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/tcp"
)

// Sockets reads the sockets of a network namespace at less than sock_diag takes, with what a list shows of each and what a forecast wants of it: since 6.2. It is not safe
// for concurrent use.
//
// A socket is told as sock_diag tells it: its addresses, device, state, timer, queues, user, inode and cookie, and of struct tcp_info CAState, Retransmits, Probes,
// Backoff, RTO, RTT, Unacked, NotSentBytes, SndWnd, LastDataSent, LastDataRecv, LastAckRecv and DataSegsOut; while a timer runs that may end it, also RTTVar, SndMSS, SndSSThresh, RcvWnd,
// TotalRetrans, TotalRTO, TotalRTORecoveries and TotalRTOTime. All else is unknown. Sockets that are bound and neither listen nor are connected are not listed.
type Sockets struct {
	iterator iterator
	tick     time.Duration
	buffer   []byte
}

// errTick means that a jiffy is not a whole number of milliseconds.
var errTick = errors.New("the kernel's ticks do not fit milliseconds")

// OpenSockets loads the program. Errors: see OpError.
func OpenSockets() (*Sockets, error) {
	tick, err := tickLength()
	if err != nil {
		return nil, opError("load", err)
	}
	spec, err := loadSockets()
	if err != nil {
		return nil, opError("load", err)
	}
	it, err := openIterator(spec, socketsProgSockets, nil)
	if err != nil {
		return nil, err
	}
	return &Sockets{iterator: it, tick: tick, buffer: make([]byte, bufferSize)}, nil
}

// tickLength is the length of a jiffy, by which the coarse clocks advance. Only where it is a whole number of milliseconds does the kernel convert without rounding.
func tickLength() (time.Duration, error) {
	var resolution unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &resolution); err != nil {
		return 0, err
	}
	tick := time.Duration(resolution.Nano())
	if tick <= 0 || tick%time.Millisecond != 0 || time.Second%tick != 0 {
		return 0, fmt.Errorf("%w: %w", errors.ErrUnsupported, errTick)
	}
	return tick, nil
}

// Close unloads the program.
func (s *Sockets) Close() error { return s.iterator.Close() }

// In chooses the namespace that the calling thread is in. What it returns must be closed, and may be read by any thread.
func (s *Sockets) In() (io.ReadCloser, error) {
	records, err := s.iterator.link.Open()
	if err != nil {
		return nil, opError("open", err)
	}
	return records, nil
}

// Each calls visit for each socket: first those that listen, then all others. The Socket is overwritten by the next, its Info with it. A visit that returns an error ends the reading with that
// error, unwrapped. It is no snapshot of an instant: a socket that comes or goes meanwhile may be missing or, on kernels before 6.17, be reported twice.
func (s *Sockets) Each(ctx context.Context, in io.Reader, visit func(*tcp.Socket) error) error {
	var socket tcp.Socket
	var info tcp.InfoBuffer
	var stopped error
	reading, stop := context.WithCancel(ctx)
	defer stop()
	err := readRecords(reading, in, s.buffer, shownSize, func(record []byte) {
		if stopped != nil {
			return
		}
		decodeShown((*[shownSize]byte)(record), s.tick, &socket, &info)
		if stopped = visit(&socket); stopped != nil {
			stop()
		}
	})
	if stopped != nil {
		return stopped
	}
	return err
}
