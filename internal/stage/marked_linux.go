package stage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Marked is a process with a certain variable in the environment it was started with.
type Marked struct {
	PID     int
	Comm    string
	Value   string
	started uint64
}

// FindMarked returns the processes that have the variable, this one left out. Those of other users are not seen without the right to.
func FindMarked(name string) ([]Marked, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []Marked
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		m := Marked{PID: pid, started: Started(pid)}
		environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			continue // it has ended, or is somebody else's
		}
		for entry := range bytes.SplitSeq(environment, []byte{0}) {
			if value, ok := strings.CutPrefix(string(entry), name+"="); ok {
				comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
				m.Value, m.Comm = value, strings.TrimSpace(string(comm))
				found = append(found, m)
				break
			}
		}
	}
	return found, nil
}

// Started returns when a process was started, in clock ticks since boot (field 22 of /proc/PID/stat), 0 when there is none.
func Started(pid int) uint64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat[max(0, bytes.LastIndexByte(stat, ')')):]), " ") // comm may hold anything, parentheses too
	const started = 22 - 3                                                                // fields after the name, which is the second, count from the third
	fields := strings.Fields(rest)
	if len(fields) <= started {
		return 0
	}
	n, _ := strconv.ParseUint(fields[started], 10, 64)
	return n
}

// Kill kills the process, and no other that has come by its pid.
//
// Errors: fs.ErrNotExist when it has ended meanwhile; those of pidfd_open(2) and pidfd_send_signal(2).
func (m Marked) Kill() error {
	fd, err := unix.PidfdOpen(m.PID, 0)
	if errors.Is(err, unix.ESRCH) || err == nil && Started(m.PID) != m.started {
		err = fs.ErrNotExist
	}
	if fd >= 0 {
		defer unix.Close(fd)
	}
	if err != nil {
		return err
	}
	return os.NewSyscallError("pidfd_send_signal", unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0))
}
