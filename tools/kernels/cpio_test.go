package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// member is what a reader finds in an archive.
type member struct {
	Mode uint64
	Data string
}

// unpack reads an archive as the kernel does (init/initramfs.c): a header of 110 digits, the name, the data, each to a multiple of 4 bytes.
func unpack(t *testing.T, b []byte) map[string]member {
	t.Helper()
	found, inodes := map[string]member{}, map[string]bool{}
	at := 0
	take := func(n int) string {
		s := string(b[at : at+n])
		at += n
		return s
	}
	for {
		header := take(110)
		field := func(i int) uint64 {
			n, err := strconv.ParseUint(header[6+8*i:14+8*i], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		name := take(int(field(11)))
		at = (at + 3) &^ 3
		data := take(int(field(6)))
		at = (at + 3) &^ 3
		if name = name[:len(name)-1]; header[:6] != "070701" || inodes[header[6:14]] {
			t.Fatalf("%q: magic %q, inode %q", name, header[:6], header[6:14])
		}
		inodes[header[6:14]] = true
		if name == "TRAILER!!!" {
			if at != len(b) {
				t.Errorf("%d bytes follow the trailer", len(b)-at)
			}
			return found
		}
		found[name] = member{field(1), data}
	}
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a/one": "1", "a/skipped/two": "22", "three": "333"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	a := newArchive(&out)
	a.dir("var/lib")
	a.file("etc/passwd", 0o644, []byte("root"))
	a.link("bin", "usr/bin")
	a.tree(dir, "src", "skipped")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]member{
		"var": {0o40755, ""}, "var/lib": {0o40755, ""}, "etc": {0o40755, ""}, "etc/passwd": {0o100644, "root"}, "bin": {0o120777, "usr/bin"},
		"src": {0o40755, ""}, "src/a": {0o40755, ""}, "src/a/one": {0o100755, "1"}, "src/three": {0o100755, "333"},
	}
	if diff := cmp.Diff(want, unpack(t, out.Bytes())); diff != "" {
		t.Error(diff)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestArchive_errors(t *testing.T) {
	a := newArchive(full{})
	a.file("x", 0o644, nil)
	if err := a.close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("nothing could be written: %v", err)
	}
	a = newArchive(&bytes.Buffer{})
	a.copy(filepath.Join(t.TempDir(), "missing"), "x")
	if err := a.close(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
