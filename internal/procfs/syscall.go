package procfs

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// Syscall is the line of /proc/PID/task/TID/syscall (proc_pid_syscall in fs/proc/base.c).
type Syscall struct {
	// Running is true for a thread that runs or could: what it does is not shown.
	Running bool
	// Number is that of the system call the thread sleeps in, -1 when it sleeps outside of one (a page fault, a stop).
	Number int64
	Args   [6]uint64
}

var errSyscall = errors.New("neither running nor a system call")

// ParseSyscall parses /proc/PID/task/TID/syscall.
func ParseSyscall(line []byte) (Syscall, error) {
	words := bytes.Fields(line)
	if len(words) == 1 && string(words[0]) == "running" {
		return Syscall{Running: true, Number: -1}, nil
	}
	if len(words) == 0 {
		return Syscall{}, opError("parse syscall", "", errSyscall)
	}
	n, err := strconv.ParseInt(string(words[0]), 10, 64)
	if err != nil || n >= 0 && len(words) < 7 {
		return Syscall{}, opError("parse syscall", "", errSyscall)
	}
	s := Syscall{Number: n}
	if n < 0 {
		s.Number = -1
		return s, nil
	}
	for i := range s.Args {
		if s.Args[i], err = strconv.ParseUint(string(words[i+1]), 0, 64); err != nil {
			return Syscall{}, opError("parse syscall", "", errSyscall)
		}
	}
	return s, nil
}

// pollArgs says where a poll or select has its descriptors in memory.
type pollArgs struct {
	selects bool
	count   uint64 // entries of struct pollfd, or the highest descriptor plus one
	at      [3]uint64
}

// Call returns what kind of wait a system call is and the descriptor it concerns.
func (s *Syscall) Call(abi ABI) look.Call {
	c := look.Call{FD: -1}
	switch {
	case s.Running:
		c.Kind = look.CallNone
		return c
	case s.Number < 0:
		c.Kind = look.CallFault
		return c
	case abi >= abis:
		return c
	case int64(socketCalls[abi]) == s.Number:
		c.Name, c.Kind = socketCall(s.Args[0])
		return c // its descriptor is in memory
	}
	for i := range calls {
		if int64(calls[i].numbers[abi]) == s.Number {
			c.Name, c.Kind = calls[i].name, calls[i].kind
			break
		}
	}
	switch c.Kind {
	case look.CallRead, look.CallWrite, look.CallConnect, look.CallAccept:
		c.FD = descriptorArg(s.Args[0])
	case look.CallChild:
		c.Child = s.child(c.Name)
	case look.CallPoll:
		if p, ok := s.polls(c.Name); !ok {
			c.FD = descriptorArg(s.Args[0])
		} else if p.empty() {
			c.Kind = look.CallSleep // how programs sleep for parts of a second since before nanosleep
		}
	}
	return c
}

// Resume tells which call a thread has gone back to after a stop or a tracer had interrupted it, by what it waits in: of those that count their time limit from when they began, the kernel puts the number of
// restart_syscall in the place of their own, and leaves the arguments (ERESTART_RESTARTBLOCK; do_restart_poll, futex_wait_restart, hrtimer_nanosleep_restart).
func (s *Syscall) Resume(abi ABI, channel string) {
	const clocks = 16 // there are fewer: what is below is no address
	if abi >= abis || s.Running || s.Number != int64(restartCalls[abi]) || channel == "" || channel == "0" {
		return
	}
	name := "nanosleep"
	switch {
	case strings.Contains(channel, "poll"):
		name = "poll"
	case strings.Contains(channel, "futex"):
		name = "futex"
	case s.Args[0] < clocks:
		name = "clock_nanosleep"
	}
	for i := range calls {
		if calls[i].name == name && calls[i].numbers[abi] >= 0 {
			s.Number = int64(calls[i].numbers[abi])
		}
	}
}

// child returns the process whose end a call waits for, 0 for any: wait4 and waitpid take its pid as what is above 0, waitid with P_PID.
func (s *Syscall) child(name string) int {
	id := s.Args[0]
	if name == "waitid" {
		const pPID = 1
		if id != pPID {
			return 0
		}
		id = s.Args[1]
	}
	return max(0, descriptorArg(id))
}

// polls returns where the descriptors of a poll or select are; ok is false for other calls.
func (s *Syscall) polls(name string) (p pollArgs, ok bool) {
	switch name {
	case "poll", "ppoll", "ppoll_time64":
		return pollArgs{count: s.Args[1], at: [3]uint64{s.Args[0]}}, true
	case "select", "_newselect", "pselect6", "pselect6_time64":
		return pollArgs{selects: true, count: s.Args[0], at: [3]uint64{s.Args[1], s.Args[2], s.Args[3]}}, true
	}
	return pollArgs{}, false
}

func (p *pollArgs) empty() bool { return p.count == 0 || p.at == [3]uint64{} }

// descriptorArg is an argument of type int, of which only the lower half counts.
func descriptorArg(arg uint64) int { return int(int32(uint32(arg))) }
