package procfs

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// file identifies a file on this host.
type file struct{ dev, ino uint64 }

// executable returns the path of the program a process runs, as its own namespace of mounts names it, and whether the Go toolchain built it. Both take the right to
// trace the process; without it the path is "". A program that was replaced since, as by an upgrade, is named without the kernel's " (deleted)" (d_path). The error is why a file that could be opened was not read.
//
// Files are looked into once for each describer, as most processes of a host run the same few.
func (d *describer) executable(dir directory) (path string, goBuilt bool, err error) {
	link := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir.fd, "exe", link)
	if err != nil {
		return "", false, nil
	}
	path = strings.TrimSuffix(string(link[:n]), " (deleted)")
	// Only what is a regular file may be opened: opening a FIFO would wait for its writer. The kernel executes nothing else.
	fd, err := openat(dir.fd, "exe", unix.O_NONBLOCK)
	if err != nil {
		return path, false, nil
	}
	opened := os.NewFile(uintptr(fd), "exe")
	defer opened.Close()
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return path, false, nil
	}
	id := file{uint64(st.Dev), st.Ino} //nolint:unconvert // 32 bits on mips
	known, seen := d.goBuilt[id]
	if !seen {
		if known, err = builtByGo(opened); err != nil {
			return path, false, opError("read", path, err)
		}
		d.goBuilt[id] = known
	}
	return path, known, nil
}
