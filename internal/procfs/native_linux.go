package procfs

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxStatus has room for a list of some thousand groups.
const maxStatus = 64 << 10

// Native reports whether this /proc numbers processes as the kernel does for the caller: it is of the caller's own pid namespace. A /proc of the host that is
// mounted into a container is not.
func (f FS) Native() bool {
	root, err := openat(unix.AT_FDCWD, f.proc, unix.O_DIRECTORY)
	if err != nil {
		return false
	}
	defer unix.Close(root)
	b, err := readAt(root, "self/status", maxStatus)
	return err == nil && isProc(root) && oneNumber(string(b))
}

// firstPIDNamespace is PROC_PID_INIT_INO (include/linux/proc_ns.h).
const firstPIDNamespace = "pid:[4026531836]"

// Inner reports whether this /proc shows the processes of a pid namespace below the first one, as in a container: what none of them has may be held by a process outside.
func (f FS) Inner() bool {
	witness := "/1" // the first of those it shows; even root may not be let in there
	if f.Native() {
		witness = "/self"
	}
	namespace, err := os.Readlink(f.proc + witness + "/ns/pid")
	return err == nil && namespace != firstPIDNamespace
}

// oneNumber reads NSpid (since 4.1): the numbers of a process in the namespace of the mount and in those below it, down to its own.
func oneNumber(status string) bool {
	_, rest, found := strings.Cut(status, "\nNSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	return found && len(strings.Fields(line)) == 1
}

// Descriptors returns how many descriptors all processes have open, as far as the kernel tells without listing them (since 6.2).
func (f FS) Descriptors() (n int, known bool) {
	root, err := openat(unix.AT_FDCWD, f.proc, unix.O_DIRECTORY)
	if err != nil {
		return 0, false
	}
	k := &walker{fs: f, root: root, entries: make([]byte, dirBuffer)}
	defer k.close()
	if !countsDescriptors(root) {
		return 0, false
	}
	pids, err := k.pids()
	for _, pid := range pids {
		var st unix.Stat_t
		if unix.Fstatat(root, strconv.Itoa(pid)+"/fd", &st, 0) == nil {
			n += int(st.Size)
		}
	}
	return n, err == nil
}
