package netlink

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// message is a netlink message of some kind.
func message(kind uint16, body []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(headerSize+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(append(b, make([]byte, 10)...), body...)
}

func code(n int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }

func TestMessages(t *testing.T) {
	one, two := []byte("body"), []byte("other") // whose length is no multiple of four
	all := append(append(message(20, one), message(20, two)...), 0, 0, 0)
	for _, test := range []struct {
		name   string
		bytes  []byte
		bodies [][]byte
		done   bool
		errno  int32
	}{
		{"two and more to come", all, [][]byte{one, two}, false, 0},
		{"the last", append(bytes.Clone(all), message(doneType, code(0))...), [][]byte{one, two}, true, 0},
		{"refused", message(errorType, code(-2)), nil, true, 2},
		{"acknowledged", message(errorType, code(0)), nil, true, 0},
		{"refused in too few bytes", message(errorType, nil), nil, true, 0},
		{"cut", all[:headerSize+2], nil, false, 0},
		{"shorter than its header", append([]byte{3, 0, 0, 0}, make([]byte, 20)...), nil, false, 0},
	} {
		var bodies [][]byte
		done, errno := Messages(test.bytes, func(body []byte) { bodies = append(bodies, body) })
		if done != test.done || errno != test.errno || len(bodies) != len(test.bodies) {
			t.Errorf("%s: done %v, errno %d, %q", test.name, done, errno, bodies)
			continue
		}
		for i := range bodies {
			if !bytes.Equal(bodies[i], test.bodies[i]) {
				t.Errorf("%s: %q, want %q", test.name, bodies[i], test.bodies[i])
			}
		}
	}
}

func TestAttributes(t *testing.T) {
	b := Attribute(Attribute(nil, 0x8001, []byte("nested")), 2, nil)
	got := map[uint16]string{}
	Attributes(append(b, 200, 0, 3, 0, 1), func(kind uint16, value []byte) { got[kind] = string(value) })
	if len(b) != 16 || len(got) != 2 || got[1] != "nested" || got[2] != "" {
		t.Errorf("%x: %v", b, got)
	}
}

// FuzzMessages: whatever comes is taken apart without harm, and nothing is read twice.
func FuzzMessages(f *testing.F) {
	f.Add(message(20, Attribute(make([]byte, 8), 1, []byte("value"))))
	f.Add(message(errorType, code(0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := 0
		Messages(b, func(body []byte) {
			read += headerSize + len(body)
			inside := 0
			Attributes(body, func(_ uint16, value []byte) { inside += attributeSize + len(value) })
			if inside > len(body) {
				t.Errorf("attributes of %d bytes in %d", inside, len(body))
			}
		})
		if read > len(b) {
			t.Errorf("messages of %d bytes in %d", read, len(b))
		}
	})
}
