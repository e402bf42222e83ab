package inetdiag

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/closewait/closewait/tcp"
)

func TestMakeSockets(t *testing.T) {
	const many = 100_000
	for _, n := range []int{0, 1, 100, many} {
		if s := MakeSockets(n); len(s) != 0 || cap(s) < n {
			t.Errorf("MakeSockets(%d) has %d sockets and room for %d", n, len(s), cap(s))
		}
	}
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this kernel has no huge pages to advise:", err)
	}
	room := MakeSockets(many)[:many]
	if flags := mappingFlags(t, uintptr(unsafe.Pointer(&room[many/2]))); !strings.Contains(flags, " hg") {
		t.Errorf("the flags of the room are %q: no advice was given", flags)
	}
	room[many-1] = tcp.Socket{Inode: 1} // it can be written to its end
}

// mappingFlags returns the flags of this process's mapping that an address is in.
func mappingFlags(t *testing.T, address uintptr) string {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= address && address < to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			return flags
		}
	}
	t.Fatal("the mapping is not in smaps")
	return ""
}
