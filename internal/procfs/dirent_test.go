package procfs_test

import (
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/procfs"
)

// dirents builds what getdents64 returns.
func dirents(names ...string) []byte {
	var b []byte
	for _, name := range names {
		record := make([]byte, (19+len(name)+1+7)&^7)
		binary.NativeEndian.PutUint16(record[16:], uint16(len(record)))
		copy(record[19:], name)
		b = append(b, record...)
	}
	return b
}

func TestNextEntry(t *testing.T) {
	want := []string{".", "..", "0", "1", "4711", "a longer name than usual"}
	var got []string
	for name, rest, ok := procfs.NextEntry(dirents(want...)); ok; name, rest, ok = procfs.NextEntry(rest) {
		got = append(got, string(name[:len(name)-1]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzNextEntry(f *testing.F) {
	f.Add(dirents(".", "..", "0", "1", "4711"))
	f.Add(dirents("x")[:19])
	f.Add(make([]byte, 24))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		for name, rest, ok := procfs.NextEntry(b); ok; name, rest, ok = procfs.NextEntry(rest) {
			if len(name) == 0 || name[len(name)-1] != 0 {
				t.Fatalf("name %q has no end", name)
			}
			if total += 19 + len(name); total > len(b) {
				t.Fatalf("read beyond %d bytes", len(b))
			}
		}
	})
}

func TestBracketed(t *testing.T) {
	for link, want := range map[string]uint64{
		"socket:[12345]":                12345,
		"socket:[18446744073709551615]": 18446744073709551615,
		"socket:[18446744073709551616]": 0,
		"socket:[99999999999999999999]": 0,
		"socket:[]":                     0,
		"socket:[1":                     0,
		"socket:":                       0,
		"socket:[-1]":                   0,
		"pipe:[12345]":                  0,
		"/tmp/socket:[12345]":           0,
		"anon_inode:[eventpoll]":        0,
		"":                              0,
	} {
		got, ok := procfs.Bracketed([]byte(link), "socket")
		if ok != (want != 0) || ok && got != want {
			t.Errorf("%q: %d, %v", link, got, ok)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "007", "18446744073709551615", "18446744073709551616", "99999999999999999999", "", "-1", "1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := procfs.Number([]byte(s))
		want, err := strconv.ParseUint(s, 10, 64)
		// strconv takes any number of leading zeros; no number of the kernel has them.
		if len(s) <= 20 && s != "" && s[0] != '+' && (ok != (err == nil) || ok && got != want) {
			t.Fatalf("%q: %d, %v; strconv says %d, %v", s, got, ok, want, err)
		}
	})
}
