package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// Options reads what sockets have of their own, for all sockets with a running timer in a network namespace: since 6.4. It is not safe for concurrent use.
type Options struct {
	iterator iterator
	tick     time.Duration
	buffer   []byte
}

// OpenOptions loads the program. tick is the length of a jiffy. Errors: see OpError.
func OpenOptions(tick time.Duration) (*Options, error) {
	if tick <= 0 {
		return nil, opError("load", fmt.Errorf("%w: the length of a jiffy is not known", errors.ErrUnsupported))
	}
	spec, err := loadOptions()
	if err != nil {
		return nil, opError("load", err)
	}
	it, err := openIterator(spec, optionsProgOptions, nil)
	if err != nil {
		return nil, err
	}
	return &Options{iterator: it, tick: tick, buffer: make([]byte, bufferSize)}, nil
}

// Close unloads the program.
func (o *Options) Close() error { return o.iterator.Close() }

// In chooses the namespace that the calling thread is in. What it returns must be closed, and may be read by any thread.
func (o *Options) In() (io.ReadCloser, error) {
	records, err := o.iterator.link.Open()
	if err != nil {
		return nil, opError("open", err)
	}
	return records, nil
}

// Each calls visit for each socket with a running timer, with what it has of its own; a keepalive time, interval or number of probes and a number of SYN retries of 0 are
// those of its namespace.
func (o *Options) Each(ctx context.Context, in io.Reader, visit func(tcp.Cookie, look.Options)) error {
	return readRecords(ctx, in, o.buffer, optionSize, func(record []byte) {
		visit(decodeOption((*[optionSize]byte)(record), o.tick))
	})
}
