package procfs_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/closewait/closewait/internal/procfs"
)

func TestNative(t *testing.T) {
	shown, err := os.Readlink("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(os.Getpid())
	if native := procfs.New("/proc").Native(); native != (shown == pid) {
		t.Errorf("native %v, /proc/self leads to %s and the pid is %s", native, shown, pid)
	}
	if f, _ := fixture(t, map[int]fakeProcess{10: {}}); f.Native() {
		t.Error("a directory of files is taken for a /proc")
	}
	if procfs.New("/no/such/directory").Native() {
		t.Error("no directory at all is taken for a /proc")
	}
}

// TestDescriptors_counted: the sum grows by what is opened, and is not known of a fixture.
func TestDescriptors_counted(t *testing.T) {
	const many = 200
	for range many {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if n, known := procfs.New("/proc").Descriptors(); known && n < len(entries)-1 {
		t.Errorf("%d descriptors in all, this process alone has %d", n, len(entries)-1)
	}
	f, _ := fixture(t, map[int]fakeProcess{10: {fds: map[int]string{0: "/dev/null"}}})
	if _, known := f.Descriptors(); known {
		t.Error("the size of a plain directory is taken for a number of descriptors")
	}
}

// TestInner: where the first process of a /proc is that of a pid namespace below the first, others have descriptors that it does not show.
func TestInner(t *testing.T) {
	for namespace, inner := range map[string]bool{"pid:[4026531836]": false, "pid:[4026532401]": true, "": false} {
		f, root := fixture(t, map[int]fakeProcess{1: {}})
		if namespace != "" {
			if err := os.Mkdir(root+"/1/ns", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(namespace, root+"/1/ns/pid"); err != nil {
				t.Fatal(err)
			}
		}
		if f.Inner() != inner {
			t.Errorf("%q: inner %v", namespace, !inner)
		}
	}
	if own, err := os.Readlink("/proc/self/ns/pid"); procfs.New("/proc").Native() && err == nil && procfs.New("/proc").Inner() != (own != "pid:[4026531836]") {
		t.Errorf("this process is in %s", own)
	}
}
