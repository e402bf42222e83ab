package record

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/closewait/closewait/tcp"
)

// zstdMagic begins every zstd frame (RFC 8878, 3.1.1), little-endian.
const zstdMagic = 0xfd2fb528

// Detect reports whether a file that begins with these bytes is a recording and not text: four bytes decide.
func Detect(first []byte) bool {
	return len(first) >= 4 && binary.LittleEndian.Uint32(first) == zstdMagic
}

// Read reads all recordings of a file. It does not trust it: what it decompresses to, and what that takes in memory, are bounded.
//
// Errors: ErrNotRecording, ErrNewer, ErrDamaged, ErrTooLarge, and those of r.
func Read(r io.Reader, extent Extent) ([]*Recording, error) {
	source := &source{r: r}
	z, err := zstd.NewReader(source, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	all, err := readItems(decompressed{z, source}, extent.orDefault())
	if errors.Is(err, ErrNotRecording) && source.damage != nil {
		err = source.damage // so early that nothing could be read
	}
	return all, err
}

// source remembers the error of what is read, to tell it from those of the decompressor.
type source struct {
	r   io.Reader
	err error
	// damage is what the decompressor found wrong.
	damage error
}

// Read implements io.Reader.
func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// decompressed gives the errors of the decompressor our words.
type decompressed struct {
	r    io.Reader
	from *source
}

// Read implements io.Reader.
func (d decompressed) Read(b []byte) (int, error) {
	n, err := d.r.Read(b)
	switch {
	case err == nil, errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, damaged("it is cut short")
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return n, ErrTooLarge
	case d.from.err != nil:
		return n, err
	}
	wrong := damaged("%v", err)
	if !errors.Is(err, zstd.ErrMagicMismatch) { // that is no recording at all
		d.from.damage = wrong
	}
	return n, wrong
}

// readItems reads what is below the compression.
func readItems(r io.Reader, extent Extent) ([]*Recording, error) {
	mode, err := decoding()
	if err != nil {
		return nil, err
	}
	in := &items{r: r, mode: mode, left: extent.Bytes, room: extent.Memory}
	var all []*Recording
	for {
		it, err := in.next()
		if errors.Is(err, io.EOF) && len(all) > 0 {
			return all, nil
		}
		if errors.Is(err, io.EOF) || len(all) == 0 && (errors.Is(err, ErrDamaged) || err == nil && (it.Begin == nil || it.Begin.Magic != magic)) {
			return nil, ErrNotRecording
		}
		if err != nil {
			return nil, err
		}
		if len(all) >= extent.Recordings {
			return nil, ErrTooLarge
		}
		if it.Begin == nil || it.Begin.Magic != magic {
			return nil, damaged("a recording does not begin as one")
		}
		if it.Begin.Format > format {
			return nil, ErrNewer
		}
		one, err := in.recording(&extent)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

// recording reads one recording behind its beginning, and takes the sockets it has off what is allowed.
func (in *items) recording(extent *Extent) (*Recording, error) {
	it, err := in.must()
	if err != nil {
		return nil, err
	}
	r := it.Look
	if r == nil || r.Snapshot == nil {
		return nil, damaged("there is no look in it")
	}
	if extent.Sockets -= r.Snapshot.Count() + len(r.Later); extent.Sockets < 0 {
		return nil, ErrTooLarge
	}
	var infos tcp.Infos
	var extras tcp.Extras
	for {
		it, err := in.must()
		switch {
		case err != nil:
			return nil, err
		case it.End != nil:
			if it.End.Sockets != r.Snapshot.Count() {
				return nil, damaged("it has %d sockets instead of %d", r.Snapshot.Count(), it.End.Sockets)
			}
			return r, sound(r.Snapshot)
		case it.Sockets != nil:
			to, err := r.socketsOf(it.Sockets.Namespace)
			if err != nil {
				return nil, err
			}
			if extent.Sockets -= len(it.Sockets.List); extent.Sockets < 0 {
				return nil, ErrTooLarge
			}
			for i := range it.Sockets.List {
				s := &it.Sockets.List[i]
				s.Info, s.Extra = infos.Keep(s.Info), extras.Keep(s.Extra)
			}
			*to = append(*to, it.Sockets.List...)
		case it.Messages != nil:
			if i := it.Messages.Namespace; i < 0 || i >= len(r.Snapshot.Namespaces) {
				return nil, damaged("messages of a namespace that is not in it")
			}
			ns := &r.Snapshot.Namespaces[it.Messages.Namespace]
			ns.Messages = append(ns.Messages, it.Messages.Bytes...)
		}
	}
}

// must reads an item where there has to be one.
func (in *items) must() (*item, error) {
	it, err := in.next()
	if errors.Is(err, io.EOF) {
		err = damaged("it is cut short")
	}
	return it, err
}

// socketsOf returns where the sockets of an item belong.
func (r *Recording) socketsOf(index int) (*[]tcp.Socket, error) {
	switch {
	case index == later:
		return &r.Later, nil
	case index < 0 || index >= len(r.Snapshot.Namespaces):
		return nil, damaged("sockets of a namespace that is not in it")
	}
	return &r.Snapshot.Namespaces[index].Sockets, nil
}
