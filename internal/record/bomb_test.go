package record_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/closewait/closewait/internal/record"
)

// items are the bytes of a recording below the compression, of values that no version of closewait has written.
func items(t testing.TB, values ...any) []byte {
	t.Helper()
	var all []byte
	for _, v := range values {
		b, err := cbor.Marshal(v)
		if raw, ok := v.(cbor.RawMessage); ok {
			b, err = raw, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(binary.BigEndian.AppendUint32(append(all, 0x5a), uint32(len(b))), b...)
	}
	return all
}

// alike are so many of one in a list or a map.
func alike(n int, one any) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = one
	}
	return list
}

func numbered(n int, one any) map[int]any {
	m := make(map[int]any, n)
	for i := range n {
		m[i+1] = one
	}
	return m
}

type fields = map[string]any

// TestRead_bombs: what is small and pretends to be large, or becomes large once it is read, is refused before it takes the memory; names and texts may be of any kind, and stay what they are.
func TestRead_bombs(t *testing.T) {
	begin := fields{"Begin": fields{"Magic": "closewait recording", "Format": 1, "Order": "little"}}
	end := fields{"End": fields{"Sockets": 0}}
	snapshot := func(f fields) fields { return fields{"Look": fields{"Snapshot": f}} }
	deep := cbor.RawMessage(append(bytes.Repeat([]byte{0x81}, 100_000), 0x80))
	many := []any{}
	for range 40 {
		many = append(many, begin, snapshot(fields{"Namespaces": alike(2_000, fields{})}), end)
	}
	for name, test := range map[string]struct {
		plain []byte
		want  error
	}{
		"namespaces":           {items(t, begin, snapshot(fields{"Namespaces": alike(200_000, fields{})}), end), record.ErrTooLarge},
		"nothing, often":       {items(t, begin, snapshot(fields{"Namespaces": alike(200_000, nil)}), end), record.ErrTooLarge},
		"processes":            {items(t, begin, snapshot(fields{"Processes": numbered(200_000, fields{})}), end), record.ErrTooLarge},
		"threads":              {items(t, begin, snapshot(fields{"Processes": numbered(1, fields{"Activity": fields{"Threads": alike(200_000, fields{})}})}), end), record.ErrTooLarge},
		"a long text":          {items(t, begin, snapshot(fields{"Host": fields{"Name": strings.Repeat("x", 40<<20)}}), end), record.ErrTooLarge},
		"one small look often": {items(t, many...), record.ErrTooLarge},
		"messages":             {items(t, append([]any{begin, snapshot(fields{"Namespaces": alike(1, fields{})})}, alike(600, fields{"Messages": fields{"Namespace": 0, "Bytes": make([]byte, 64<<10)}})...)...), record.ErrTooLarge},
		"sockets":              {items(t, begin, snapshot(fields{"Namespaces": alike(1, fields{})}), fields{"Sockets": fields{"Namespace": 0, "List": alike(20_000, fields{})}}), record.ErrTooLarge},
		"deep":                 {items(t, begin, deep), record.ErrDamaged},
		"a length of 2^63":     {items(t, begin, cbor.RawMessage{0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80}), record.ErrDamaged},
		"no end of a list":     {items(t, begin, cbor.RawMessage{0x9f, 0x80, 0x80}), record.ErrDamaged},
		"4 GiB announced":      {append(items(t, begin), 0x5a, 0xff, 0xff, 0xff, 0xff), record.ErrTooLarge},
		"64 MiB announced":     {append(items(t, begin), 0x5a, 0x03, 0xff, 0xff, 0xff), record.ErrDamaged},
	} {
		extent := record.Extent{Sockets: 10_000, Recordings: 100, Memory: 32 << 20, Bytes: 256 << 20}
		start := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		all, err := record.ReadItems(bytes.NewReader(test.plain), extent)
		runtime.ReadMemStats(&after)
		if all != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %d recordings, %v", name, len(all), err)
		}
		// What is one too much is decoded before it is refused, buffers grow to what comes and are copied on the way, a socket takes half a kilobyte.
		if took, allowed := after.TotalAlloc-before.TotalAlloc, uint64(2*extent.Memory)+uint64(8*len(test.plain)+extent.Sockets<<10+4<<20); took > allowed {
			t.Errorf("%s: %d bytes took %d MB of memory, allowed %d, in %v", name, len(test.plain), took>>20, allowed>>20, time.Since(start))
		}
	}
}

// TestRead_compressed: a small file that is very large once decompressed is read no further than allowed, be it of one frame, of many, or compressed twice.
func TestRead_compressed(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zeros := z.EncodeAll(make([]byte, 64<<20), nil)
	announced := append(items(t, fields{"Begin": fields{"Magic": "closewait recording", "Format": 1}}), 0x5a, 0x03, 0xff, 0xff, 0xff)
	for name, file := range map[string][]byte{
		"zeros":          zeros,
		"many frames":    bytes.Repeat(zeros, 100),
		"twice":          z.EncodeAll(zeros, nil),
		"in a text":      append(z.EncodeAll(announced, nil), bytes.Repeat(zeros, 100)...),
		"empty frames":   bytes.Repeat(z.EncodeAll(nil, nil), 100_000),
		"skipped frames": append(bytes.Repeat([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}, 50_000), zeros...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		all, err := record.Read(bytes.NewReader(file), record.Extent{Bytes: 32 << 20})
		runtime.ReadMemStats(&after)
		if all != nil || err == nil {
			t.Errorf("%s: %d recordings, %v", name, len(all), err)
		}
		// For each skipped frame the race detector makes io.Discard's pool forget a buffer of 8 kB once in four times.
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 150 {
			t.Errorf("%s: %d bytes took %d MB of memory", name, len(file), took)
		}
	}
}
