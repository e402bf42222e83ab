package procfs_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
)

func TestParseFDInfo(t *testing.T) {
	tests := []struct {
		name, text string
		want       procfs.FDInfo
	}{
		{"socket", "pos:\t0\nflags:\t02\nmnt_id:\t10\nino:\t7104\n", procfs.FDInfo{Flags: 2}},
		{"epoll", "pos:\t0\nflags:\t02\nmnt_id:\t16\nino:\t11\n" +
			"tfd:        8 events:       19 data:                8  pos:0 ino:5e81 sdev:9\n" +
			"tfd:       12 events: 40000000 data: ffffffffffffffff  pos:0 ino:5e82 sdev:9\n",
			procfs.FDInfo{Flags: 2, Watches: []look.Watch{{FD: 8, Inode: 0x5e81, Events: 0x19}, {FD: 12, Inode: 0x5e82, Events: 1 << 30}}}},
		{"epoll before 4.13", "flags:\t02\ntfd:        8 events:     201d data:                8\n", procfs.FDInfo{Flags: 2, Watches: []look.Watch{{FD: 8, Events: 0x201d}}}},
		{"unix socket", "flags:\t02\nscm_fds: 3\n", procfs.FDInfo{Flags: 2, InTransit: 3}},
		{"io_uring", "flags:\t02\nSqMask:\t0x7\nUserFiles:\t2\n    0: socket:[4711]\n    1: <none>\nUserBufs:\t0\n", procfs.FDInfo{Flags: 2, Registered: []uint32{4711}}},
		{"nonsense", "tfd:\ntfd: x events: 1 data\ntfd: 1 events: zz 0\nflags:\t9\n:\n", procfs.FDInfo{}},
	}
	for _, test := range tests {
		got, err := procfs.ParseFDInfo(strings.NewReader(test.text))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", test.name, err, diff)
		}
	}
	armed := look.Watch{Events: 0x201d}
	fired := look.Watch{Events: 1 << 30}
	if !armed.Armed() || fired.Armed() {
		t.Error("interest that is left is told apart from interest that has fired")
	}
}

func TestDecodeSelect(t *testing.T) {
	native := func(word int, fds ...int) []byte {
		b := make([]byte, 128)
		for _, fd := range fds {
			at := b[fd/(8*word)*word:]
			if word == 4 {
				binary.NativeEndian.PutUint32(at, binary.NativeEndian.Uint32(at)|1<<(fd%32))
			} else {
				binary.NativeEndian.PutUint64(at, binary.NativeEndian.Uint64(at)|1<<(fd%64))
			}
		}
		return b
	}
	for _, word := range []int{4, 8} {
		got := procfs.DecodeSelect(native(word, 0, 63, 64, 1023), native(word, 63), word)
		want := []look.Watch{{FD: 0, Events: 1}, {FD: 63, Events: 5}, {FD: 64, Events: 1}, {FD: 1023, Events: 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("longs of %d bytes (-want +got)\n%s", word, diff)
		}
	}
	var b []byte
	for _, fd := range []int32{7, -1, 9} {
		b = binary.NativeEndian.AppendUint32(b, uint32(fd))
		b = binary.NativeEndian.AppendUint16(b, 0x2001)
		b = binary.NativeEndian.AppendUint16(b, 0)
	}
	if diff := cmp.Diff([]look.Watch{{FD: 7, Events: 0x2001}, {FD: 9, Events: 0x2001}}, procfs.DecodePoll(append(b, 1, 2))); diff != "" {
		t.Errorf("poll (-want +got)\n%s", diff)
	}
}

func FuzzParseFDInfo(f *testing.F) {
	f.Add("flags:\t02\ntfd:        8 events:       19 data:                8  pos:0 ino:5e81 sdev:9\n    0: socket:[4711]\n", []byte{1, 2, 3}, 8)
	f.Fuzz(func(t *testing.T, text string, set []byte, word int) {
		info, _ := procfs.ParseFDInfo(strings.NewReader(text))
		if len(info.Watches) > strings.Count(text, "tfd") {
			t.Error("more watches than lines")
		}
		for _, w := range append(procfs.DecodeSelect(set, nil, word), procfs.DecodePoll(set)...) {
			if w.FD < 0 || int64(w.FD) >= 1<<31 {
				t.Errorf("descriptor %d", w.FD)
			}
		}
	})
}
