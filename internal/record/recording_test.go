package record_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/tcp"
)

// same compares what was recorded with what was read.
var same = cmp.Options{
	cmp.Comparer(func(a, b look.Holders) bool {
		left, errA := a.MarshalBinary()
		right, errB := b.MarshalBinary()
		return errA == nil && errB == nil && bytes.Equal(left, right)
	}),
	cmpopts.EquateComparable(tcp.Endpoint{}),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

func written(t testing.TB, recordings ...*record.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := record.Write(&b, recordings...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRecording_roundTrip fills every field of a look that there is, those of evidence added later included, and wants each back.
func TestRecording_roundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := randomRecording(rapid.Uint64().Draw(t, "seed"))
		var b bytes.Buffer
		if err := record.Write(&b, r); err != nil {
			t.Fatal(err)
		}
		all, err := record.Read(bytes.NewReader(b.Bytes()), record.Extent{})
		if err != nil || len(all) != 1 {
			t.Fatalf("%d recordings, %v", len(all), err)
		}
		if diff := cmp.Diff(r, all[0], same); diff != "" {
			t.Fatalf("(-recorded +read):\n%s", diff)
		}
		if again := new(bytes.Buffer); record.Write(again, all[0]) != nil || !bytes.Equal(again.Bytes(), b.Bytes()) {
			t.Fatal("written again it is another")
		}
	})
}

// TestSnapshot_recordable walks the types of a look: nothing of it may be of a kind that a file cannot keep, or be kept in an unexported field.
func TestSnapshot_recordable(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(path string, of reflect.Type)
	walk = func(path string, of reflect.Type) {
		if seen[of] || opaque[of] {
			return
		}
		seen[of] = true
		switch of.Kind() {
		case reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				if !f.IsExported() {
					t.Errorf("%s.%s is not exported and will not be recorded: give %v the methods of encoding.BinaryMarshaler and a row in opaque", path, f.Name, of)
					continue
				}
				if tag, ok := f.Tag.Lookup("cbor"); ok {
					t.Errorf("%s.%s has the tag %q", path, f.Name, tag)
				}
				walk(path+"."+f.Name, f.Type)
			}
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(path+"[]", of.Elem())
		case reflect.Map:
			walk(path+"[key]", of.Key())
			walk(path+"[]", of.Elem())
		case reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer, reflect.Uintptr, reflect.Complex64, reflect.Complex128:
			t.Errorf("%s is a %v, which a recording does not keep", path, of)
		}
	}
	walk("Recording", reflect.TypeFor[record.Recording]())
	if !seen[reflect.TypeFor[tcp.Socket]()] || !seen[reflect.TypeFor[look.Process]()] {
		t.Error("the walk did not come to sockets and processes")
	}
}

func TestRead_several(t *testing.T) {
	a, b := randomRecording(1), randomRecording(2)
	both := append(written(t, a), written(t, b)...)
	for name, file := range map[string][]byte{"in one go": written(t, a, b), "put together with cat": both} {
		all, err := record.Read(bytes.NewReader(file), record.Extent{})
		if err != nil || len(all) != 2 {
			t.Fatalf("%s: %d recordings, %v", name, len(all), err)
		}
		if diff := cmp.Diff([]*record.Recording{a, b}, all, same); diff != "" {
			t.Errorf("%s (-recorded +read):\n%s", name, diff)
		}
	}
	if _, err := record.Read(bytes.NewReader(both), record.Extent{Recordings: 1}); !errors.Is(err, record.ErrTooLarge) {
		t.Errorf("two where one is allowed: %v", err)
	}
}

// TestRead_cut: a recording that was cut short anywhere is no recording, and says so.
func TestRead_cut(t *testing.T) {
	whole := written(t, randomRecording(3))
	for n := 4; n < len(whole); n += 1 + len(whole)/300 {
		all, err := record.Read(bytes.NewReader(whole[:n]), record.Extent{})
		if all != nil || !errors.Is(err, record.ErrDamaged) && !errors.Is(err, record.ErrNotRecording) {
			t.Fatalf("%d of %d bytes: %d recordings, %v", n, len(whole), len(all), err)
		}
	}
}

func TestRead_bounds(t *testing.T) {
	many := &record.Recording{Snapshot: &look.Snapshot{Namespaces: []look.Namespace{{Sockets: make([]tcp.Socket, 3000)}, {Sockets: make([]tcp.Socket, 1)}}}}
	file := written(t, many)
	if _, err := record.Read(bytes.NewReader(file), record.Extent{Sockets: 3001}); err != nil {
		t.Errorf("as many sockets as allowed: %v", err)
	}
	if _, err := record.Read(bytes.NewReader(file), record.Extent{Sockets: 3000}); !errors.Is(err, record.ErrTooLarge) {
		t.Errorf("a socket more than allowed: %v", err)
	}
	if _, err := record.Read(bytes.NewReader(file), record.Extent{Bytes: 100_000}); !errors.Is(err, record.ErrTooLarge) {
		t.Errorf("more bytes than allowed: %v", err)
	}
	if len(file) > 10_000 {
		t.Errorf("%d bytes for 3001 equal sockets", len(file))
	}
}

func TestRead_others(t *testing.T) {
	for name, file := range map[string][]byte{
		"nothing": {}, "text": []byte("ESTAB 0 0 10.0.0.1:22 10.0.0.2:5000\n"), "compressed text": compressed(t, []byte("ESTAB 0 0 10.0.0.1:22 10.0.0.2:5000\n")),
		"other CBOR": compressed(t, []byte{0x5a, 0, 0, 0, 1, 0xa0}),
	} {
		if _, err := record.Read(bytes.NewReader(file), record.Extent{}); !errors.Is(err, record.ErrNotRecording) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("the disk is broken")
	if _, err := record.Read(io.MultiReader(bytes.NewReader(written(t, randomRecording(4))[:50]), failing{broken}), record.Extent{}); !errors.Is(err, broken) {
		t.Errorf("an error of the reader: %v", err)
	}
	if !record.Detect(written(t, randomRecording(5))) || record.Detect([]byte("ESTAB")) || record.Detect(nil) {
		t.Error("recordings are not told from text")
	}
}

// TestWrite_fails: a disk that is full at any moment is an error.
func TestWrite_fails(t *testing.T) {
	r := randomRecording(6)
	full := errors.New("no space left")
	for room := range len(written(t, r)) {
		if err := record.Write(&limited{room, full}, r); !errors.Is(err, full) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type limited struct {
	room int
	err  error
}

func (l *limited) Write(b []byte) (int, error) {
	if l.room -= len(b); l.room < 0 {
		return 0, l.err
	}
	return len(b), nil
}

// randomRecording fills a recording by reflection, so that it has every field there is.
func randomRecording(seed uint64) *record.Recording {
	f := filler{rand.New(rand.NewPCG(seed, 0))}
	r := &record.Recording{}
	f.fill(reflect.ValueOf(r).Elem(), 0)
	if r.Snapshot == nil {
		r.Snapshot = &look.Snapshot{}
	}
	for i := range r.Snapshot.Namespaces {
		n := &r.Snapshot.Namespaces[i]
		if n.Blur != nil {
			n.Blur = make([]time.Duration, len(n.Sockets))
		}
		if n.Ages != nil {
			n.Ages = make([]look.Age, len(n.Sockets))
			for j := range n.Ages {
				n.Ages[j] = look.Age{Time: time.Duration(f.Int64()), Kind: look.AgeKind(f.IntN(4))}
			}
		}
	}
	r.Snapshot.Clock.HZ &= 0xfff
	processes := map[int]*look.Process{}
	for pid, p := range r.Snapshot.Processes {
		if pid &= math.MaxInt32; p != nil && pid > 0 {
			p.PID = pid
			p.Workload.Kind %= look.KindPod + 1
			processes[pid] = p
		}
	}
	r.Snapshot.Processes = processes
	return r
}

// uncompressed is what is below the compression of a recording.
func uncompressed(t testing.TB, file []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := z.DecodeAll(file, nil)
	if err != nil || len(plain) == 0 {
		t.Fatalf("nothing in it: %v", err)
	}
	return plain
}

// FuzzRead: whatever is below the compression, reading it does not panic, and what is read can be written and read again.
func FuzzRead(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(uncompressed(f, written(f, randomRecording(seed))))
	}
	beyond := math.MaxInt32
	beyond++ // negative where int has 32 bits
	for _, spoil := range []func(*look.Snapshot){
		func(s *look.Snapshot) { s.Clock.HZ = 20_000 },
		func(s *look.Snapshot) { s.Namespaces[0].Blur = make([]time.Duration, 1+len(s.Namespaces[0].Sockets)) },
		func(s *look.Snapshot) {
			s.Namespaces[0].Blur, s.Namespaces[0].Ages = nil, make([]look.Age, len(s.Namespaces[0].Sockets))
			s.Namespaces[0].Ages[0].Kind = look.AgeAbout + 1
		},
		func(s *look.Snapshot) { s.Processes = map[int]*look.Process{7: {PID: 8}} },
		func(s *look.Snapshot) { s.Processes = map[int]*look.Process{beyond: {PID: beyond}} },
		func(s *look.Snapshot) {
			s.Processes = map[int]*look.Process{7: {PID: 7, Workload: look.Workload{Kind: look.KindPod + 1}}}
		},
	} {
		r := &record.Recording{Snapshot: &look.Snapshot{Namespaces: []look.Namespace{{Sockets: make([]tcp.Socket, 1)}}}}
		spoil(r.Snapshot)
		f.Add(uncompressed(f, written(f, r)))
	}
	begin, bare, end := fields{"Begin": fields{"Magic": "closewait recording", "Format": 1, "Order": "little"}}, fields{"Look": fields{"Snapshot": fields{"Namespaces": alike(1, fields{})}}}, fields{"End": fields{"Sockets": 0}}
	for _, sequence := range [][]any{
		{begin, bare, end, begin, bare, end}, {begin, bare, end, bare}, {begin, bare, fields{"End": fields{"Sockets": 1}}}, {begin, end}, {begin, bare},
		{begin, bare, fields{"Sockets": fields{"Namespace": 1, "List": alike(1, fields{})}}}, {begin, bare, fields{"Sockets": fields{"Namespace": -1, "List": alike(1, fields{})}}, end},
		{begin, bare, fields{"Messages": fields{"Namespace": 2}}}, {fields{"Begin": fields{"Magic": "closewait recording", "Format": 99}}}, {fields{"Begin": fields{"Magic": "another"}}},
		{begin, bare, fields{"Sockets": fields{"Namespace": 0, "List": alike(1001, fields{})}}}, {begin, bare, end, begin, bare, end, begin, bare, end, begin, bare, end},
	} {
		f.Add(items(f, sequence...))
	}
	f.Add([]byte{0x5a, 0, 0, 0, 0})
	f.Add([]byte{0x5a, 0xff, 0xff, 0xff, 0xff, 0xa0})
	f.Fuzz(func(t *testing.T, plain []byte) {
		all, err := record.ReadItems(bytes.NewReader(plain), record.Extent{Bytes: 1 << 20, Sockets: 1000, Recordings: 3, Memory: 256 << 20})
		if err != nil {
			if all != nil {
				t.Fatal("recordings and an error")
			}
			return
		}
		back, err := record.Read(bytes.NewReader(written(t, all...)), record.Extent{})
		if diff := cmp.Diff(all, back, same); diff != "" || err != nil {
			t.Fatalf("%v (-read +read again):\n%s", err, diff)
		}
	})
}

// FuzzRead_compressed: nor does any file that claims to be a recording.
func FuzzRead_compressed(f *testing.F) {
	for seed := range uint64(4) {
		whole := written(f, randomRecording(seed))
		f.Add(whole)
		f.Add(whole[:len(whole)-5])
		f.Add(append(whole[:len(whole)/2:len(whole)/2], whole[len(whole)/2+1:]...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if all, err := record.Read(bytes.NewReader(file), record.Extent{Bytes: 1 << 20, Sockets: 1000}); err == nil && len(all) == 0 {
			t.Fatal("neither a recording nor an error")
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	r := benchRecording()
	size := 0
	for b.Loop() {
		size = len(written(b, r))
	}
	b.ReportMetric(float64(size)/float64(r.Snapshot.Count()), "B/socket")
}

func BenchmarkRead(b *testing.B) {
	file := written(b, benchRecording())
	for b.Loop() {
		if _, err := record.Read(bytes.NewReader(file), record.Extent{}); err != nil {
			b.Fatal(err)
		}
	}
}

// benchRecording is a host with many sockets alike, as a busy server has them.
func benchRecording() *record.Recording {
	list := make([]tcp.Socket, 20_000)
	for i := range list {
		s := &list[i]
		*s = tcp.Socket{
			Family: tcp.IPv4, State: tcp.Established, Cookie: tcp.Cookie(0x1a2f + 3*i), Inode: uint32(90000 + 7*i), UID: 1000, Sent: tcp.HasCgroup, Extra: &tcp.Extra{CgroupID: 4711},
			Local: tcp.MustParseEndpoint("10.0.0.3:443"), Peer: tcp.EndpointFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), uint16(30000+i)),
		}
		raw := make([]byte, tcp.InfoSize)
		for j := range 100 {
			raw[j] = byte(i * j)
		}
		s.Info = tcp.MakeInfo(raw)
	}
	return &record.Recording{Snapshot: &look.Snapshot{Namespaces: []look.Namespace{{Sockets: list}}}}
}
