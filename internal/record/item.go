package record

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/closewait/closewait/tcp"
)

// format is the version of the recordings written here. It only goes up when an older reader would misunderstand one: a field it does not know
// it passes over, and one that an older recording does not have is zero, which therefore has to mean "unknown" or "none" for every new field of look.Snapshot.
const format = 1

// magic begins every recording, below the compression.
const magic = "closewait recording"

// item is one part of a recording; exactly one of its fields is set.
type item struct {
	Begin *begin
	// Look is the recording with the sockets and messages of its namespaces taken out.
	Look *Recording
	// Sockets continues the sockets of a namespace, Messages what the kernel said of them.
	Sockets  *sockets
	Messages *messages
	End      *end
}

type begin struct {
	Magic  string
	Format int
	// Order is the byte order of Messages: "little" or "big".
	Order string
}

type sockets struct {
	Namespace int
	List      []tcp.Socket
}

type messages struct {
	Namespace int
	Bytes     []byte
}

// later is the Namespace of the sockets of the second look.
const later = -1

// end counts what came before it. A recording without it is cut short.
type end struct{ Sockets int }

const (
	chunk       = 1024      // sockets in one item
	chunkBytes  = 256 << 10 // of messages in one item
	mostBytes   = 64 << 20  // an item may have
	mostMemory  = 1 << 30   // an item may take, see cost
	prefixBytes = 5
	// byteString begins a byte string with a length of four bytes (RFC 8949, 3.1), which is what each item is put into: a reader knows how long it is
	// before it decodes it, and a recording is a CBOR sequence (RFC 8742) for everybody else.
	byteString = 0x5a
)

func encoding() (cbor.EncMode, error) {
	options := cbor.CoreDetEncOptions() // the same look gives the same bytes
	options.Time = cbor.TimeRFC3339NanoUTC
	return options.EncMode()
}

func decoding() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		UTF8:            cbor.UTF8DecodeInvalid, // names are bytes that other people chose
		MaxNestedLevels: 32, MaxArrayElements: mostBytes, MaxMapPairs: mostBytes,
	}.DecMode()
}

func writeItem(w io.Writer, mode cbor.EncMode, it *item) error {
	b, err := mode.Marshal(it)
	if err != nil {
		return err
	}
	if len(b) > mostBytes || cost(b) > mostMemory {
		return ErrTooLarge
	}
	prefix := binary.BigEndian.AppendUint32([]byte{byteString}, uint32(len(b)))
	if _, err := w.Write(prefix); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// items reads one item after the other.
type items struct {
	r      io.Reader
	mode   cbor.DecMode
	left   int64 // bytes that may still be read
	room   int64 // memory that what is kept, but for sockets, may still take
	buffer []byte
}

// next reads an item. io.EOF means that there is none.
func (in *items) next() (*item, error) {
	var prefix [prefixBytes]byte
	if _, err := io.ReadFull(in.r, prefix[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, damaged("it is cut short")
		}
		return nil, err
	}
	size := binary.BigEndian.Uint32(prefix[1:])
	if prefix[0] != byteString {
		return nil, damaged("an item does not begin as one")
	}
	if in.left -= prefixBytes + int64(size); size > mostBytes || in.left < 0 {
		return nil, ErrTooLarge
	}
	b, err := in.read(int(size))
	if err != nil {
		return nil, err
	}
	takes := cost(b)
	if takes > mostMemory {
		return nil, ErrTooLarge
	}
	it := &item{}
	if err := in.mode.Unmarshal(b, it); err != nil {
		return nil, damaged("%v", err)
	}
	if it.Sockets == nil { // these are counted
		if in.room -= takes; in.room < 0 {
			return nil, ErrTooLarge
		}
	}
	return it, nil
}

// read reads the bytes of an item into a buffer that grows with what really comes.
func (in *items) read(size int) ([]byte, error) {
	const step = 1 << 20
	in.buffer = in.buffer[:0]
	for len(in.buffer) < size {
		have := len(in.buffer)
		more := min(step, size-have)
		in.buffer = append(in.buffer, make([]byte, more)...)
		if _, err := io.ReadFull(in.r, in.buffer[have:]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = damaged("it is cut short")
			}
			return nil, err
		}
	}
	return in.buffer, nil
}

// cost is the memory that an encoded item may take once it is decoded, at most: a missing or empty value can stand for a structure as large as tcp.Socket, a short one for a tcp_info,
// and every part of a structure that is there has its name beside it. It reads up to the first thing that is no CBOR.
func cost(b []byte) (bytes int64) {
	const nothing, something = 768, 320
	for len(b) > 0 {
		head := b[0]
		major, short := head>>5, head&31
		b = b[1:]
		length := uint64(short)
		if short >= 24 && short <= 27 && len(b) >= 1<<(short-24) {
			length = 0
			for _, c := range b[:1<<(short-24)] {
				length = length<<8 | uint64(c)
			}
			b = b[1<<(short-24):]
		} else if short >= 24 {
			return bytes
		}
		switch major {
		case 2, 3: // strings: what follows is theirs
			length = min(length, uint64(len(b)))
			b = b[length:]
			bytes += something + int64(length)
		case 4, 5, 7:
			bytes += nothing
		default:
			bytes += something
		}
	}
	return bytes
}

// skeleton is a recording without what has items of its own.
func skeleton(r *Recording) *Recording {
	s := *r.Snapshot
	s.Namespaces = slices.Clone(s.Namespaces)
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		if n.Sockets != nil {
			n.Sockets = []tcp.Socket{} // known, and still to come
		}
		if n.Messages != nil {
			n.Messages = []byte{}
		}
	}
	bare := *r
	bare.Snapshot = &s
	if bare.Later != nil {
		bare.Later = []tcp.Socket{}
	}
	return &bare
}
