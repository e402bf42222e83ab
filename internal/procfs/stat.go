package procfs

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"time"
)

// flagKernelThread is PF_KTHREAD (include/linux/sched.h): the task has no memory and no descriptors of its own. flagForked is PF_FORKNOEXEC: forked and has not executed
// anything since (copy_process sets it, begin_new_exec clears it).
const (
	flagKernelThread = 0x00200000
	flagForked       = 0x00000040
)

// Stat is what closewait wants of /proc/PID/stat (do_task_stat in fs/proc/array.c).
type Stat struct {
	PID  int
	Comm string // at most 15 bytes for a process; any bytes but NUL, parentheses, spaces and newlines included
	// State is the letter ps shows: R, S, D, T, t, Z, X, I.
	State byte
	// PPID is 0 for a process whose parent is outside the pid namespace.
	PPID int
	// Group is the pid of the process group's leader, who may have ended; 0 when that is outside the pid namespace.
	Group int
	// Session is the pid of the session's leader, 0 when that is outside the pid namespace.
	Session int
	Flags   uint64 // PF_ flags
	// CPUTicks is the processor time used in user space and in the kernel, in clock ticks of 1/100 s.
	CPUTicks uint64
	// Processor is the one it runs on, or ran on last; -1 when not told.
	Processor int
	// StartTicks is when the process started, in clock ticks of 1/100 s since boot (suspended time counts). Together with the pid it identifies a
	// process while the system runs.
	StartTicks uint64
}

// KernelThread reports whether the process is a thread of the kernel.
func (s Stat) KernelThread() bool { return s.Flags&flagKernelThread != 0 }

// Executed reports whether the process has executed a program since it was forked.
func (s Stat) Executed() bool { return s.Flags&flagForked == 0 }

// ParseSchedstat parses /proc/PID/schedstat (proc_pid_schedstat in fs/proc/base.c): the time on a processor and the time waiting for one, both in nanoseconds, and how often the task
// was given one. It returns that number, and the sum of the two times. ok is false for anything else; without CONFIG_SCHED_INFO all three are 0.
func ParseSchedstat(b []byte) (slices uint64, runnable time.Duration, ok bool) {
	words := bytes.Fields(b)
	if len(words) != 3 {
		return 0, 0, false
	}
	ran, okRan := number(words[0])
	waited, okWaited := number(words[1])
	slices, ok = number(words[2])
	if !ok || !okRan || !okWaited || ran > math.MaxInt64/2 || waited > math.MaxInt64/2 {
		return 0, 0, false
	}
	return slices, time.Duration(ran + waited), true
}

// ParseSched parses /proc/PID/task/TID/sched (proc_sched_show_task in kernel/sched/debug.c) for se.exec_start: when a task was last on a processor, on the clock of that processor's run queue.
func ParseSched(b []byte) (last time.Duration, ok bool) {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(bytes.TrimSpace(name)) != "se.exec_start" {
			continue
		}
		whole, part, cut := bytes.Cut(bytes.TrimSpace(value), []byte("."))
		ms, okWhole := number(whole)
		ns, okPart := number(part)
		if !cut || !okWhole || !okPart || len(part) != 6 || ms > math.MaxInt64/1_000_000-1 {
			return 0, false
		}
		return time.Duration(ms)*time.Millisecond + time.Duration(ns), true
	}
	return 0, false
}

var errShort = errors.New("line is too short")

// ParseStat parses /proc/PID/stat. The name may contain anything, so it ends at the last parenthesis of the file.
func ParseStat(r io.Reader) (Stat, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return Stat{}, opError("read stat", "", err)
	}
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 1 || end < open {
		return Stat{}, opError("parse stat", "", errShort)
	}
	pid, ok := id(bytes.TrimSpace(b[:open]))
	if !ok {
		return Stat{}, opError("parse stat", "", errors.New("bad pid "+strconv.Quote(string(b[:open]))))
	}
	st := Stat{PID: pid, Comm: string(b[open+1 : end])}
	return st, opError("parse stat", "", st.fields(bytes.Fields(b[end+1:])))
}

// fields reads what follows the name; list[0] is field 3 in the counting of proc_pid_stat(5).
func (s *Stat) fields(list [][]byte) error {
	const first, ppid, group, session, flags, user, system, start, processor = 3, 4, 5, 6, 9, 14, 15, 22, 39
	if len(list) <= start-first || len(list[0]) != 1 {
		return errShort
	}
	var okPPID, okGroup, okSession, okFlags, okStart bool
	s.State = list[0][0]
	s.PPID, okPPID = id(list[ppid-first])
	s.Group, okGroup = id(list[group-first])
	s.Session, okSession = id(list[session-first])
	s.Flags, okFlags = number(list[flags-first])
	s.StartTicks, okStart = number(list[start-first])
	inUser, okUser := number(list[user-first])
	inKernel, okSystem := number(list[system-first])
	s.CPUTicks = inUser + inKernel
	s.Processor = -1
	if len(list) > processor-first {
		if n, ok := id(list[processor-first]); ok {
			s.Processor = n
		}
	}
	if !okPPID || !okGroup || !okSession || !okFlags || !okStart || !okUser || !okSystem {
		return errors.New("not a number where one should be")
	}
	return nil
}
