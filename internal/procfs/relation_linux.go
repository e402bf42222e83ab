package procfs

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// probeAbove is how many descriptors a relation has when it is worth to ask for a few of them before all are visited.
	probeAbove = 1024
	// lowNumbers are asked for in any case: what is put in place for a child goes to 0 (inetd), to 3 and up (systemd, Go's ExtraFiles) or to
	// another low number.
	lowNumbers = 32
)

// relation visits a process that may share descriptors with a holder.
func (s *search) relation(c candidate, kin *kinship) error {
	s.hit = false
	if c.fds > probeAbove {
		numbers := s.numbers(c.fds / 2)
		if len(numbers) <= c.fds/2 && !s.shares(c.pid, numbers) {
			return nil
		}
	}
	return s.process(c.pid, kin)
}

// numbers returns the descriptors under which a shared socket is most likely found: those of the holders, as fork keeps them, and the low ones. It stops
// soon after limit.
func (s *search) numbers(limit int) []int {
	var list []int
	for fd := range lowNumbers {
		list = append(list, fd)
	}
	for _, h := range s.held.All() {
		list = append(list, h.FD)
		if len(list) > 2*limit {
			break
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// shares reports whether one of the descriptors of a process is a wanted socket. When they cannot be read the answer is yes, so that the visit finds out why.
func (s *search) shares(pid int, numbers []int) bool {
	k := s.walker
	dir, err := openat(k.root, strconv.Itoa(pid)+"/fd", unix.O_DIRECTORY)
	if err != nil {
		return true
	}
	defer unix.Close(dir)
	var name []byte
	for _, fd := range numbers {
		name = append(strconv.AppendInt(name[:0], int64(fd), 10), 0)
		k.stats.Descriptors++
		inode, ok, err := k.socket(dir, name)
		if err != nil {
			return true
		}
		if ok && s.held.Wants(inode) {
			return true
		}
	}
	k.stats.Processes++
	return false
}
