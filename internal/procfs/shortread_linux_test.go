package procfs_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/procfs"
)

// parsers are those of files, by one that this process can read.
var parsers = map[string]func(io.Reader) (any, error){
	"/proc/self/stat":         func(r io.Reader) (any, error) { return procfs.ParseStat(r) },
	"/proc/self/limits":       func(r io.Reader) (any, error) { return procfs.ParseLimits(r) },
	"/proc/self/cgroup":       func(r io.Reader) (any, error) { return procfs.ParseCgroup(r) },
	"/proc/self/net/sockstat": func(r io.Reader) (any, error) { return procfs.ParseSockstat(r) },
	"/proc/self/net/netstat":  func(r io.Reader) (any, error) { return procfs.ParseCounters(r) },
	"/proc/self/net/snmp":     func(r io.Reader) (any, error) { return procfs.ParseCounters(r) },
	"/proc/self/fdinfo/0":     func(r io.Reader) (any, error) { return procfs.ParseFDInfo(r) },
	"/proc/stat":              func(r io.Reader) (any, error) { return procfs.ParseBootTime(r) },
}

// TestParse_shortReads: files that come a byte at a time say what they say at once.
func TestParse_shortReads(t *testing.T) {
	for name, parse := range parsers {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := parse(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, slowed := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
			got, err := parse(slowed(bytes.NewReader(text)))
			if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" || err != nil {
				t.Errorf("%s: %v (-at once +byte by byte)\n%s", name, err, diff)
			}
		}
	}
}

// TestStat_shortReads: nor does it matter when read(2) returns a byte at a time.
func TestStat_shortReads(t *testing.T) {
	f, root := fixture(t, map[int]fakeProcess{10: {ppid: 7}})
	path := filepath.Join(root, "10/stat")
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = syscall.Mkfifo(path, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		for i := 0; err == nil && i < len(text); i++ {
			_, err = file.Write(text[i : i+1])
		}
		if err == nil {
			err = file.Close()
		}
		written <- err
	}()
	st, err := f.Stat(10)
	if err != nil || st.PID != 10 || st.PPID != 7 || st.StartTicks != 1000 {
		t.Errorf("%+v, %v", st, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
