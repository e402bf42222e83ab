package inetdiag

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/tcp"
)

func TestDecode_attributes(t *testing.T) {
	word := func(typ uint16, n uint32) []byte { return attr(typ, binary.NativeEndian.AppendUint32(nil, n)...) }
	info := make([]byte, 248)
	info[2] = 7
	memory := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 832), 131072)
	b := encode(sample(1),
		attr(attrInfo, info...), attr(attrCongestion, []byte("cubic\x00")...), attr(attrSkMemInfo, memory...), attr(attrShutdown, 3),
		attr(attrTOS, 0x10), attr(attrTClass, 0x20), attr(attrV6Only, 1), word(attrMark, 42), word(attrClassID, 43),
		attr(attrCgroup, binary.NativeEndian.AppendUint64(nil, 1<<40)...), attr(attrOptions, 2, 4),
		attr(attrULP, slices.Concat(attr(ulpName, []byte("mptcp\x00")...), attr(ulpMPTCP))...),
		attr(attrProtocol, 6), attr(0x8000|77, 1), attr(attrMark, 1))
	want := *sample(1)
	want.Sent = tcp.HasCongestion | tcp.HasMemory | tcp.HasShutdown | tcp.HasTOS | tcp.HasTClass | tcp.HasV6Only | tcp.HasMark | tcp.HasClassID |
		tcp.HasCgroup | tcp.HasOptions | tcp.HasULP | tcp.HasMPTCP
	want.Info = tcp.MakeInfo(info)
	copy(want.Extend().Congestion[:], "cubic")
	copy(want.ULP[:], "mptcp")
	want.Memory = tcp.Memory{ReceiveAllocated: 832, ReceiveLimit: 131072}
	want.Shutdown, want.TOS, want.TClass, want.V6Only, want.Extend().Mark, want.Extend().ClassID = 3, 0x10, 0x20, true, 42, 43
	want.Extend().CgroupID, want.Extend().Options = 1<<40, 0x402
	var got tcp.Socket
	unknown, err := Decode(b, &got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, compareSockets); diff != "" {
		t.Errorf("socket (-want +got):\n%s", diff)
	}
	if unknown != 2 {
		t.Errorf("%d unknown attributes, want 2: one of a newer kernel, one too short for its kind", unknown)
	}
	if _, ok := got.Info.Uint(tcp.ReceivedCE); ok {
		t.Error("a field beyond the bytes sent is known")
	}
}

// TestDecode_mptcp makes sure that the INET_DIAG_INFO of a Multipath TCP socket, another structure, is not read as tcp_info.
func TestDecode_mptcp(t *testing.T) {
	var got tcp.Socket
	if _, err := decode(encode(sample(1), attr(attrInfo, make([]byte, 100)...)), &got, new(tcp.Extra), nil); err != nil || got.Info.Known() {
		t.Errorf("info known: %v, %v", got.Info.Known(), err)
	}
}

// recorded returns the datagrams in testdata/dumps, which TestRecord took from a kernel.
func recorded(t testing.TB) [][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/dumps/*.bin")
	if err != nil || len(names) == 0 {
		t.Fatalf("no recorded datagrams (%v): run go test -run TestRecord -update", err)
	}
	var all [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, native(b))
	}
	return all
}

// messages splits datagrams into the bodies of their messages.
func messages(t testing.TB, datagrams [][]byte) [][]byte {
	t.Helper()
	var bodies [][]byte
	for _, b := range datagrams {
		for len(b) > 0 {
			m, rest, err := nextMessage(b)
			if err != nil {
				t.Fatal(err)
			}
			if m.typ == typeDumpBoth || m.typ == typeByFamily {
				bodies = append(bodies, m.body)
			}
			b = rest
		}
	}
	return bodies
}

// FuzzDecode holds Decode to three things: it does not panic, it does not read beyond its slice (the bytes behind it are made to differ), and the
// fixed part survives being encoded again.
func FuzzDecode(f *testing.F) {
	for _, body := range messages(f, recorded(f)) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second tcp.Socket
		n1, err := Decode(append(slices.Clone(b), 0x00, 0x00, 0x00, 0x00)[:len(b)], &first)
		n2, _ := Decode(append(slices.Clone(b), 0xff, 0xff, 0xff, 0xff)[:len(b)], &second)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if !cmp.Equal(first, second, compareSockets) || n1 != n2 {
			t.Fatal("the bytes behind the slice made a difference")
		}
		var again tcp.Socket
		if _, err := Decode(encode(&first), &again); err != nil {
			t.Fatal(err)
		}
		fixed := first
		fixed.Sent, fixed.Info = 0, tcp.Info{}
		if again.Local != first.Local || again.Peer != first.Peer || again.Cookie != first.Cookie || again.Timer != first.Timer || again.State != first.State {
			t.Fatalf("decoded %+v, again %+v", fixed, again)
		}
	})
}

// FuzzMessages walks whatever datagram it is given to its end.
func FuzzMessages(f *testing.F) {
	for _, b := range recorded(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		for rest := b; len(rest) > 0; {
			m, next, err := nextMessage(rest)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatal(err)
				}
				return
			}
			if len(next) >= len(rest) {
				t.Fatal("no progress")
			}
			total += headerSize + len(m.body)
			rest = next
			if _, _, err := m.errno(); err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
		}
		if total > len(b) {
			t.Fatalf("messages of %d bytes in %d", total, len(b))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	bodies := messages(b, recorded(b))
	var s tcp.Socket
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := Decode(bodies[i%len(bodies)], &s); err != nil {
			b.Fatal(err)
		}
	}
}
