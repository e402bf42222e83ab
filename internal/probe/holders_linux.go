package probe

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Holders lists descriptors of sockets and of epoll instances. It is not safe for concurrent use.
type Holders struct {
	program  *ebpf.Program
	iterator *link.Iter
	buffer   []byte
}

// bufferSize is what one read of an iterator gives at most (bpf_seq_read).
const bufferSize = 32 << 10

// OpenHolders loads the program. Errors: see OpError.
func OpenHolders() (*Holders, error) {
	spec, err := loadHolders()
	if err != nil {
		return nil, opError("load", err)
	}
	h := &Holders{buffer: make([]byte, bufferSize)}
	if h.program, err = loadIterator(spec, holdersProgHolders); err != nil {
		return nil, opError("load", err)
	}
	if h.iterator, err = link.AttachIter(link.IterOptions{Program: h.program}); err != nil {
		_ = h.program.Close()
		return nil, opError("open", err)
	}
	return h, nil
}

// Close unloads the program.
func (h *Holders) Close() error {
	return opError("close", errors.Join(h.iterator.Close(), h.program.Close()))
}

// Walk calls visit for each descriptor of each process that the caller's pid namespace shows, in ascending order of pid and descriptor. The Descriptor is overwritten by the
// next. It is no snapshot of an instant: a descriptor that is opened, closed or passed on meanwhile may be missed.
//
// As in /proc/PID/fd, the descriptors of a process are those of its first thread, which the others share unless they called unshare(CLONE_FILES).
//
// The context is looked at every few thousand descriptors; its error is found by errors.Is.
func (h *Holders) Walk(ctx context.Context, visit func(*Descriptor)) error {
	records, err := h.iterator.Open()
	if err != nil {
		return opError("open", err)
	}
	defer records.Close()
	var d Descriptor
	for {
		if err := ctx.Err(); err != nil {
			return opError("read", err)
		}
		n, err := records.Read(h.buffer)
		for b := h.buffer[:n]; len(b) >= recordSize; b = b[recordSize:] {
			d.decode((*[recordSize]byte)(b))
			visit(&d)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, syscall.EAGAIN): // a million descriptors without a record: bpf_seq_read takes a breath
			return opError("read", err)
		}
	}
}
