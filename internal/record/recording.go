package record

import (
	"errors"
	"fmt"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// Recording is one look at one host, with all that an answer is made from.
type Recording struct {
	Snapshot *look.Snapshot
	// Later is the second look at the undecided sockets, nil if there was none.
	Later []tcp.Socket
	// Redacted says that names and addresses are substitutes.
	Redacted bool
	// Redaction is the same for recordings that were redacted together, so that the same substitutes mean the same; "" when one was redacted alone.
	Redaction string `redact:"keep"`
	// Writer is the version of the program that took the look.
	Writer string `redact:"keep"`
}

// Extent bounds what is read of recordings. A zero value stands for the default.
type Extent struct {
	Bytes      int64 // of all recordings together, once decompressed: 2 GiB
	Sockets    int   // in all of them, a million
	Recordings int   // a thousand
	Memory     int64 // that all of them may take beside their sockets, estimated: 2 GiB
}

// DefaultExtent returns the Extent that the zero value stands for.
func DefaultExtent() Extent { return Extent{}.orDefault() }

func (e Extent) orDefault() Extent {
	if e.Bytes <= 0 {
		e.Bytes = 2 << 30
	}
	if e.Sockets <= 0 {
		e.Sockets = defaultSockets
	}
	if e.Recordings <= 0 {
		e.Recordings = 1000
	}
	if e.Memory <= 0 {
		e.Memory = 2 << 30
	}
	return e
}

// What [Read] fails with, besides the errors of its reader. All of them but ErrNewer may also be the work of somebody who wants to do harm.
var (
	// ErrNotRecording says that the file is compressed, and no recording.
	ErrNotRecording = errors.New("not a recording of closewait")
	// ErrNewer says that the recording has a format of a later version.
	ErrNewer = errors.New("written by a newer version of closewait")
	// ErrDamaged says that the recording is cut short or was changed.
	ErrDamaged = errors.New("the recording is damaged")
	// ErrTooLarge says that there is more in it than Extent allows.
	ErrTooLarge = errors.New("the recording is too large")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
