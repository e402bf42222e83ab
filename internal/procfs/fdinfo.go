package procfs

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
)

// FDInfo is what /proc/PID/fdinfo/FD says (seq_show in fs/proc/fd.c, and the show_fdinfo of the kind of file).
type FDInfo struct {
	// Flags are the O_ flags of the file, O_CLOEXEC that of the descriptor.
	Flags uint32
	// Watches is what an epoll instance watches (ep_show_fdinfo in fs/eventpoll.c).
	Watches []look.Watch
	// InTransit is the number of descriptors that wait in a unix socket to be received (unix_show_fdinfo in net/unix/af_unix.c, since 5.4).
	InTransit int
	// Registered are the inodes of sockets that are registered with an io_uring (io_uring_show_fdinfo in io_uring/fdinfo.c, since 5.7).
	Registered []uint32
}

// CloseOnExec reports whether the descriptor does not survive an exec.
func (i *FDInfo) CloseOnExec() bool { return i.Flags&unix.O_CLOEXEC != 0 }

// ParseFDInfo parses /proc/PID/fdinfo/FD. What it does not know is skipped.
func ParseFDInfo(r io.Reader) (FDInfo, error) {
	var info FDInfo
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch key {
		case "flags":
			n, _ := strconv.ParseUint(value, 8, 32)
			info.Flags = uint32(n)
		case "scm_fds":
			info.InTransit, _ = strconv.Atoi(value)
		case "tfd":
			if w, ok := parseWatch(value); ok {
				info.Watches = append(info.Watches, w)
			}
		default:
			if n, ok := bracketed([]byte(value), "socket"); ok && isNumber(key) {
				info.Registered = append(info.Registered, uint32(n))
			}
		}
	}
	return info, opError("parse fdinfo", "", lines.Err())
}

func isNumber(key string) bool {
	_, ok := number([]byte(strings.TrimSpace(key)))
	return ok
}

// parseWatch reads what follows "tfd:", as in "8 events: 80000019 data: 8  pos:0 ino:5e81 sdev:9". The bits the kernel keeps to itself (EP_PRIVATE_BITS) are all that
// is left of a one-shot interest that has fired.
func parseWatch(text string) (w look.Watch, ok bool) {
	words := strings.Fields(text)
	if len(words) < 3 || words[1] != "events:" {
		return w, false
	}
	fd, err := strconv.Atoi(words[0])
	events, errEvents := strconv.ParseUint(words[2], 16, 32)
	if err != nil || errEvents != nil {
		return w, false
	}
	w = look.Watch{FD: fd, Events: uint32(events)}
	for _, word := range words[3:] {
		if ino, found := strings.CutPrefix(word, "ino:"); found {
			w.Inode, _ = strconv.ParseUint(ino, 16, 64)
		}
	}
	return w, true
}
