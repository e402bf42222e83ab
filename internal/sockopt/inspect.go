package sockopt

import (
	"errors"
	"fmt"

	"github.com/closewait/closewait/tcp"
)

// ErrGone means that the process has ended, or that the descriptor is no longer the socket it was: closed, or used again.
var ErrGone = errors.New("the descriptor is gone or refers to something else now")

// OpError is the error of this package: ErrGone, fs.ErrPermission without ptrace rights,
// errors.ErrUnsupported before Linux 5.6.
type OpError struct {
	Op      string // the system call
	PID, FD int
	Err     error
}

// Error implements error.
func (e *OpError) Error() string {
	return fmt.Sprintf("%s for descriptor %d of pid %d: %v", e.Op, e.FD, e.PID, e.Err)
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// Facts is what a socket says of itself.
type Facts struct {
	// State is the TCP state; tcp.Closed for a socket that is in no table.
	State tcp.State
	// Info is the socket's tcp_info. That of a closed socket keeps the counters of its life.
	Info tcp.Info
	// Netns is the inode of the socket's network namespace, which need not be its holder's; 0 when it may not be known (CAP_NET_ADMIN).
	Netns uint64
}

// WasConnected reports whether the socket has ever been part of a connection: something was delivered (the handshake counts, see tcp_rcv_state_process),
// acknowledged or received, or a window was offered. A socket that was made and never connected, or whose connect failed, has none of these.
func (f *Facts) WasConnected() bool {
	for _, field := range [...]tcp.Field{tcp.Delivered, tcp.BytesAcked, tcp.BytesReceived, tcp.SndWnd} {
		if n, ok := f.Info.Uint(field); ok && n > 0 {
			return true
		}
	}
	return false
}
