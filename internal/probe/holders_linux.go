package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Holders lists descriptors of sockets and of epoll instances. It is not safe for concurrent use.
type Holders struct {
	way walker
	// Way says how: by which iterator, and why not by a better one.
	Way string
}

// walker is a way to list them.
type walker interface {
	walk(ctx context.Context, visit func(*Descriptor)) error
	Close() error
}

// OpenHolders loads a program that this kernel takes. room is how many descriptors there may be on the host; if there are more, a walk takes longer. Errors: see OpError.
func OpenHolders(room int) (*Holders, error) {
	quick, why := openTables(room)
	if why == nil {
		return &Holders{quick, "iter/task"}, nil
	}
	slow, err := openFiles()
	if err != nil {
		return nil, err
	}
	return &Holders{slow, fmt.Sprintf("iter/task_file, as iter/task is of no use here: %v", why)}, nil
}

// Walk calls visit for each descriptor of each process that the caller's pid namespace shows. The Descriptor is overwritten by the next. It is no snapshot of an instant: a
// descriptor that is opened, closed or passed on meanwhile may be missed.
//
// As in /proc/PID/fd, the descriptors of a process are those of its first thread, which the others share unless they called unshare(CLONE_FILES).
//
// The context is looked at now and then; its error is found by errors.Is.
func (h *Holders) Walk(ctx context.Context, visit func(*Descriptor)) error {
	err := h.way.walk(ctx, visit)
	if !errors.Is(err, errTooMany) && !errors.Is(err, errTorn) {
		return err
	}
	slow, err := openFiles()
	if err != nil {
		return err
	}
	err = h.way.Close()
	h.way = slow
	return errors.Join(err, slow.walk(ctx, visit))
}

// Close unloads the program.
func (h *Holders) Close() error { return h.way.Close() }

// files lists descriptors by an iterator over them all: since 5.11, and at ten times the cost of tables.
type files struct {
	iterator
	buffer []byte
}

// bufferSize is what one read of an iterator gives at most (bpf_seq_read).
const bufferSize = 32 << 10

func openFiles() (*files, error) {
	spec, err := loadHolders()
	if err != nil {
		return nil, opError("load", err)
	}
	it, err := openIterator(spec, holdersProgHolders, nil)
	if err != nil {
		return nil, err
	}
	return &files{it, make([]byte, bufferSize)}, nil
}

func (f *files) walk(ctx context.Context, visit func(*Descriptor)) error {
	var d Descriptor
	return f.read(ctx, f.buffer, recordSize, func(record []byte) {
		if d.decode((*[recordSize]byte)(record)) {
			visit(&d)
		}
	})
}

// iterator is a program that runs when it is read.
type iterator struct {
	program *ebpf.Program
	link    *link.Iter
}

func openIterator(spec *ebpf.CollectionSpec, name string, maps map[string]*ebpf.Map) (it iterator, err error) {
	if it.program, err = loadIterator(spec, name, maps); err != nil {
		return it, opError("load", err)
	}
	if it.link, err = link.AttachIter(link.IterOptions{Program: it.program}); err != nil {
		_ = it.program.Close()
		return it, opError("open", err)
	}
	return it, nil
}

// Close unloads the program.
func (it iterator) Close() error {
	return opError("close", errors.Join(it.link.Close(), it.program.Close()))
}

// read runs the program over everything and calls visit with the records that it writes, each of which is of this size.
func (it iterator) read(ctx context.Context, buffer []byte, size int, visit func(record []byte)) error {
	records, err := it.link.Open()
	if err != nil {
		return opError("open", err)
	}
	defer records.Close()
	return readRecords(ctx, records, buffer, size, visit)
}

// readRecords reads an open iterator to its end. Where pages are larger than 4 KiB the kernel fills more than the buffer at once, and a record may come in two parts.
func readRecords(ctx context.Context, from io.Reader, buffer []byte, size int, visit func(record []byte)) error {
	kept := 0
	for {
		if err := ctx.Err(); err != nil {
			return opError("read", err)
		}
		n, err := from.Read(buffer[kept:])
		b := buffer[:kept+n]
		for ; len(b) >= size; b = b[size:] {
			visit(b[:size])
		}
		kept = copy(buffer, b)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, syscall.EAGAIN): // a million objects without a record: bpf_seq_read takes a breath
			return opError("read", err)
		}
	}
}
