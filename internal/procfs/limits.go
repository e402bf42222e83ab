package procfs

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// ParseLimits returns the soft limit of "Max open files" in /proc/PID/limits (proc_pid_limits in fs/proc/base.c), -1 when it is unlimited.
func ParseLimits(r io.Reader) (openFiles int, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), "Max open files")
		if !ok {
			continue
		}
		soft, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		if n, ok := id([]byte(soft)); ok {
			return n, nil
		}
		if soft == "unlimited" {
			return -1, nil
		}
	}
	if err = lines.Err(); err == nil {
		err = errors.New("no limit of open files")
	}
	return -1, opError("parse limits", "", err)
}
