package record

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/closewait/closewait/tcp"
)

// Write writes recordings, one after the other. What it has written can be read by [Read], also behind or in front of the output of other calls. The same
// recording gives the same bytes.
//
// Errors are those of w, and ErrTooLarge for a look with more than 64 MiB of evidence beside its sockets.
func Write(w io.Writer, recordings ...*Recording) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(z, 64<<10)
	for _, r := range recordings {
		if err := writeRecording(buffered, r); err != nil {
			return err
		}
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return z.Close()
}

func writeRecording(w io.Writer, r *Recording) error {
	mode, err := encoding()
	if err != nil {
		return err
	}
	order := "big"
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		order = "little"
	}
	if err := writeItem(w, mode, &item{Begin: &begin{magic, format, order}}); err != nil {
		return err
	}
	if err := writeItem(w, mode, &item{Look: skeleton(r)}); err != nil {
		return err
	}
	for i := range r.Snapshot.Namespaces {
		ns := &r.Snapshot.Namespaces[i]
		if err := writeSockets(w, mode, i, ns.Sockets); err != nil {
			return err
		}
		for list := range slices.Chunk(ns.Messages, chunkBytes) {
			if err := writeItem(w, mode, &item{Messages: &messages{i, list}}); err != nil {
				return err
			}
		}
	}
	if err := writeSockets(w, mode, later, r.Later); err != nil {
		return err
	}
	return writeItem(w, mode, &item{End: &end{r.Snapshot.Count()}})
}

func writeSockets(w io.Writer, mode cbor.EncMode, namespace int, list []tcp.Socket) error {
	for part := range slices.Chunk(list, chunk) {
		if err := writeItem(w, mode, &item{Sockets: &sockets{namespace, part}}); err != nil {
			return err
		}
	}
	return nil
}
