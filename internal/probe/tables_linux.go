package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// tables lists descriptors by an iterator over processes whose program reads their tables: since 6.4.
type tables struct {
	iterator
	records *ebpf.Map
	shared  []byte // what the program writes: struct progress and then descriptors
	words   uint32 // of descriptors, in one pass
}

const (
	// most is how many descriptors there may be; 256 MB are needed for so many.
	most = 8 << 20
	// wordsPerPass is how many words of 64 descriptors of a process are looked at before other work gets its turn on this processor: some milliseconds.
	wordsPerPass = 2048
	// tries is how often all tables are read, as long as there is too little room or they grow meanwhile.
	tries = 4
)

var (
	errTooMany = errors.New("more descriptors than there is room for")
	errTorn    = errors.New("tables of descriptors keep growing")
)

func openTables(room int) (*tables, error) {
	if room = room + room/4 + 1024; room > most {
		return nil, opError("load", fmt.Errorf("%w: %w", errors.ErrUnsupported, errTooMany))
	}
	spec, err := loadTables()
	if err != nil {
		return nil, opError("load", err)
	}
	records := spec.Maps[tablesMapRecords]
	records.MaxEntries, records.Key, records.Value = uint32(room), nil, nil //nolint:gosec // at most most
	t := &tables{words: wordsPerPass}
	if t.records, err = ebpf.NewMap(records); err != nil {
		return nil, opError("load", err)
	}
	if t.shared, err = unix.Mmap(t.records.FD(), 0, room*recordSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.iterator, err = openIterator(spec, tablesProgTables, map[string]*ebpf.Map{tablesMapRecords: t.records})
	}
	if err != nil {
		_ = t.release()
		return nil, opError("load", err)
	}
	return t, nil
}

// release gives the map back.
func (t *tables) release() error {
	var err error
	if t.shared != nil {
		err = unix.Munmap(t.shared)
	}
	return errors.Join(err, t.records.Close())
}

// Close unloads the program.
func (t *tables) Close() error { return errors.Join(t.iterator.Close(), opError("close", t.release())) }

// walk fails with errTooMany or errTorn where the tables outrun it, and has visited nothing then.
func (t *tables) walk(ctx context.Context, visit func(*Descriptor)) error {
	count, err := t.settled(ctx)
	if err != nil {
		return err
	}
	var d Descriptor
	for b := t.shared[recordSize : count*recordSize]; len(b) > 0; b = b[recordSize:] {
		if d.decode((*[recordSize]byte)(b)) {
			visit(&d)
		}
	}
	return nil
}

// settled reads all tables, again if need be and with as much room as it takes.
func (t *tables) settled(ctx context.Context) (count int, err error) {
	for range tries {
		var torn bool
		if count, torn, err = t.run(ctx); err != nil {
			return 0, err
		}
		switch {
		case count*recordSize > len(t.shared):
			if err = t.grow(count); err != nil {
				return 0, err
			}
			err = errTooMany
		case torn:
			err = errTorn
		default:
			return count, nil
		}
	}
	return 0, opError("read", err)
}

// grow loads the program anew, with room for so many.
func (t *tables) grow(room int) error {
	larger, err := openTables(room)
	if err != nil {
		return err
	}
	err = t.Close()
	*t = *larger
	return err
}

// run lets the program read all tables and returns how many elements it needs, and whether a table was replaced meanwhile.
func (t *tables) run(ctx context.Context) (count int, torn bool, err error) {
	word := func(n int) []byte { return t.shared[4*n:] } // of struct progress
	binary.NativeEndian.PutUint32(word(0), 1)
	binary.NativeEndian.PutUint32(word(4), 0)
	for from := uint32(0); ; from += t.words {
		binary.NativeEndian.PutUint32(word(1), from)
		binary.NativeEndian.PutUint32(word(2), from+t.words)
		binary.NativeEndian.PutUint32(word(3), 0)
		if err := t.read(ctx, make([]byte, 8), 1, func([]byte) {}); err != nil {
			return 0, false, err
		}
		if binary.NativeEndian.Uint32(word(3)) == 0 {
			return int(binary.NativeEndian.Uint32(word(0))), binary.NativeEndian.Uint32(word(4)) != 0, nil
		}
	}
}
