package procfs

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
)

// Activity returns what a process is doing: its threads, at most so many, with what each waits for. Epolls and Sockets are left to the caller, who has
// walked the descriptors. Without an Activity the error is that of the list of threads: fs.ErrNotExist when the process is gone. With one it is why something of a thread could not be
// read that should be there.
//
// It costs about 40 to 60 µs for each thread. Without ptrace rights over the process (PTRACE_MODE_ATTACH_FSCREDS) the states of the threads are all that is known.
func (f FS) Activity(pid, threads int, common *Common) (*look.Activity, error) {
	dir, err := openDirectory(f.proc + "/" + strconv.Itoa(pid))
	if err != nil {
		return nil, err
	}
	defer dir.close()
	state := common.group(f, dir)
	a := &look.Activity{Frozen: state.frozen, PidsLimited: state.pidsLimited}
	a.Running, a.Executed = common.running(dir)
	a.Executable, _ = os.Readlink(dir.path + "/exe")
	tids, err := listThreads(dir)
	if err != nil {
		return nil, err
	}
	a.ThreadCount = len(tids)
	r := newThreadReader(dir)
	a.Outputs = [2]uint32{r.output(unix.Stdout), r.output(unix.Stderr)}
	r.common = common
	a.Threads = make([]look.Thread, 0, min(len(tids), threads))
	for _, tid := range tids[:min(len(tids), threads)] {
		t := look.Thread{TID: tid}
		t.First = r.moment(tid, &t)
		if t.First.State == 0 {
			continue // it has ended
		}
		a.CallsKnown = a.CallsKnown || t.First.Call.Kind != look.CallUnknown
		a.Threads = append(a.Threads, t)
	}
	markRuntime(a.Threads)
	return a, r.err
}

// Alive reports whether there is a process with a pid, be it a zombie.
func (f FS) Alive(pid int) bool {
	dir, err := openDirectory(f.proc + "/" + strconv.Itoa(pid))
	if err == nil {
		dir.close()
	}
	return err == nil
}

// ActivityAgain looks at the threads of a process a second time. Of one that has ended nothing is noted, nor of another that was given its pid. The error is
// as that of Activity.
func (f FS) ActivityAgain(p *look.Process) error {
	dir, err := openDirectory(f.proc + "/" + strconv.Itoa(p.PID))
	if err != nil {
		return err
	}
	defer dir.close()
	if st, err := statIn(dir); err != nil || st.StartTicks != p.StartTicks {
		return err
	}
	a, r := p.Activity, newThreadReader(dir)
	for i := range a.Threads {
		a.Threads[i].Again = r.moment(a.Threads[i].TID, nil)
	}
	return r.err
}

// running returns for how long a process had been running: since it was forked, on the clock that counts while the system is suspended, too; and whether it has executed a
// program since.
func (c *Common) running(dir directory) (since time.Duration, executed bool) {
	st, err := statIn(dir)
	if err != nil {
		return 0, false
	}
	return c.taskAge(&st), st.Executed()
}

// taskAge returns how long before the moment from which ages count a task was started, 0 when that cannot be said.
func (c *Common) taskAge(st *Stat) time.Duration {
	if st.StartTicks > 1<<40 {
		return 0
	}
	return max(0, c.boot-time.Duration(st.StartTicks)*(time.Second/ticksPerSecond))
}

func listThreads(dir directory) ([]int, error) {
	task, err := dir.within("task")
	if err != nil {
		return nil, err
	}
	defer task.close()
	var tids []int
	err = eachEntry(task.fd, make([]byte, dirBuffer), func(name []byte) (Next, error) {
		if tid, ok := id(name[:len(name)-1]); ok {
			tids = append(tids, tid)
		}
		return Continue, nil
	})
	slices.Sort(tids)
	return tids, opError("list", task.path, err)
}

// threadReader reads the threads of one process.
type threadReader struct {
	dir  directory
	abi  ABI
	wide bool
	// err is why something could not be read of a thread that has not ended.
	err    error
	common *Common // nil at the second look
	// hung is set once the process's memory or its calls could not be read because somebody holds a lock of it.
	hung bool
}

func newThreadReader(dir directory) *threadReader {
	r := &threadReader{dir: dir, abi: UnknownABI}
	b, err := dir.read("exe", elfHeader)
	if err == nil {
		r.abi, r.wide = ParseABI(b)
	}
	r.err = err // without it no call can be told
	return r
}

// moment reads a thread; its State is 0 when the thread has ended. The system call comes first: should the thread go on in between, its state says so. What does not
// change goes to t, unless that is nil.
func (r *threadReader) moment(tid int, t *look.Thread) (m look.Moment) {
	task := "task/" + strconv.Itoa(tid) + "/"
	line, errCall := r.guarded(task+"syscall", maxStat)
	b, err := r.dir.read(task+"stat", maxStat)
	if err != nil {
		r.lost(task, err)
		return m
	}
	st, err := ParseStat(bytes.NewReader(b))
	if err != nil || st.State == 'Z' || st.State == 'X' {
		r.fell(err)
		return m
	}
	r.fell(errCall)
	if t != nil {
		t.Comm, t.Running = st.Comm, r.common.taskAge(&st)
	}
	m = look.Moment{State: st.State, CPU: time.Duration(st.CPUTicks) * (time.Second / ticksPerSecond), Call: look.Call{FD: -1}}
	if errCall == nil {
		m.Call = r.call(task, line)
	}
	if b, err := r.dir.read(task+"schedstat", maxStat); err == nil {
		m.Slices, m.Runnable, _ = ParseSchedstat(b)
		m.At, _ = monotonic(unix.CLOCK_MONOTONIC)
	}
	if t != nil && rests(&m) {
		if b, err := r.dir.read(task+"sched", maxStat); err == nil {
			t.Resting = r.common.rested(st.Processor, b)
		}
	}
	closes := m.Call.Kind == look.CallFile && m.Call.Name == "close"
	if m.State == 'D' || (m.Call.Kind == look.CallUnknown || closes) && m.State != 'R' {
		if b, err := r.dir.read(task+"wchan", maxStat); err == nil && string(b) != "0" {
			m.Channel = string(b)
		}
	}
	if closes && lingers(m.Channel) { // wait_woken is not the sockets' alone
		m.Call.Kind = look.CallLinger
	}
	return m
}

// rests reports whether it is of interest since when a thread has not run: not of one that waits for connections or for an epoll instance.
func rests(m *look.Moment) bool {
	return m.State == 'S' && m.Call.Kind != look.CallUnknown && m.Call.Kind != look.CallAccept && (m.Call.Kind != look.CallPoll || m.Call.FD < 0)
}

// lingers reports whether who closes a descriptor waits there for a connection (sk_stream_wait_close in net/core/stream.c), as SO_LINGER asks for.
func lingers(channel string) bool {
	return channel == "wait_woken" || channel == "sk_stream_wait_close"
}

// lost keeps why a thread could not be read at all, unless it has ended: who may read nothing else of it may read /proc/PID/task/TID/stat.
func (r *threadReader) lost(task string, err error) {
	var st unix.Stat_t
	if r.err == nil && unix.Fstatat(r.dir.fd, task, &st, 0) == nil {
		r.err = err
	}
}

// fell keeps the first error that is neither the end of the thread nor for want of rights.
func (r *threadReader) fell(err error) {
	if r.err == nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		r.err = err
	}
}

// guarded reads a file for which the kernel takes a lock of the process (lock_trace in fs/proc/base.c), no more once that was in vain.
func (r *threadReader) guarded(name string, limit int64) (b []byte, err error) {
	if r.hung {
		return nil, opError("read", r.dir.path+"/"+name, ErrHung)
	}
	b, err = r.dir.readPatiently(name, limit)
	r.hung = errors.Is(err, ErrHung)
	return b, err
}

// call says what a thread waits for, with what that needs beyond the line: a link, or the sets of a poll in the memory of the process.
func (r *threadReader) call(task string, line []byte) look.Call {
	s, err := ParseSyscall(line)
	if err != nil {
		r.fell(err)
		return look.Call{FD: -1}
	}
	if r.abi < abis && s.Number == int64(restartCalls[r.abi]) {
		if b, err := r.dir.read(task+"wchan", maxStat); err == nil {
			s.Resume(r.abi, string(b))
		}
	}
	c := s.Call(r.abi)
	if r.abi < abis && int64(socketCalls[r.abi]) == s.Number {
		if b := r.memory(s.Args[1], r.word()); b != nil {
			c.FD = int(int32(leastWord(b)))
		}
	}
	switch c.Kind {
	case look.CallRead, look.CallWrite, look.CallConnect, look.CallAccept:
		c.Target, c.Inode = r.target(c.FD)
		if c.Name == "splice" && c.Inode == 0 {
			out := descriptorArg(s.Args[2])
			if link, inode := r.target(out); inode != 0 { // from a pipe, as a rule its own, to a connection: that has no room
				c.Kind, c.FD, c.Target, c.Inode = look.CallWrite, out, link, inode
			}
		}
		if c.Pipe = pipe(c.Target); c.Pipe != 0 {
			c.OwnPipe = r.ownPipe(c.FD, c.Target)
		}
	case look.CallSleep, look.CallLock:
		c.Left = r.left(c.Name, s.Args)
	case look.CallPoll:
		c.Left = r.left(c.Name, s.Args)
		if p, ok := s.polls(c.Name); ok {
			c.Watches = r.watches(p)
			for i := range c.Watches[:min(len(c.Watches), pipesPolled)] {
				link, _ := r.target(c.Watches[i].FD)
				c.Watches[i].Inode = uint64(pipe(link))
			}
		}
	}
	return c
}

// target returns what a descriptor refers to.
func (r *threadReader) target(fd int) (link string, inode uint32) {
	if fd < 0 {
		return "", 0
	}
	link, err := os.Readlink(r.dir.path + "/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", 0
	}
	n, _ := bracketed([]byte(link), "socket")
	return link, uint32(n)
}

// pipe returns the inode of a pipe, 0 for anything else.
func pipe(link string) uint32 {
	n, _ := bracketed([]byte(link), "pipe")
	return uint32(n)
}

// output returns the inode of what a descriptor refers to if that is a pipe or a socket.
func (r *threadReader) output(fd int) uint32 {
	link, socket := r.target(fd)
	return max(socket, pipe(link))
}

// ownPipe reports whether the process has the other end of a pipe as well. pipe(2) gives the two lowest numbers that are free, which as a rule are neighbours; no others are looked at.
func (r *threadReader) ownPipe(fd int, link string) bool {
	before, _ := r.target(fd - 1)
	after, _ := r.target(fd + 1)
	return link == before || link == after
}

func (r *threadReader) word() int {
	if r.wide {
		return 8
	}
	return 4
}

func (r *threadReader) watches(p pollArgs) []look.Watch {
	count := int(min(p.count, maxPolled))
	if !p.selects {
		if b := r.memory(p.at[0], count*pollEntry); b != nil {
			return DecodePoll(b)
		}
		return nil
	}
	word := r.word()
	size := (count + 8*word - 1) / (8 * word) * word
	read, write := r.memory(p.at[0], size), r.memory(p.at[1], size)
	if p.at[0] != 0 && read == nil || p.at[1] != 0 && write == nil {
		return nil
	}
	return DecodeSelect(read, write, word)
}

// memory returns a piece of the process's memory, nil when it cannot be read whole. /proc/PID/mem takes the addresses of a 64-bit process from a 32-bit reader, too;
// process_vm_readv(2) does not.
func (r *threadReader) memory(at uint64, size int) []byte {
	if at == 0 || at > math.MaxInt64 || size <= 0 {
		return nil
	}
	if r.hung {
		return nil
	}
	fd, err := openat(r.dir.fd, "mem", 0)
	if err != nil {
		return nil
	}
	b, err := patiently(func() ([]byte, error) {
		defer unix.Close(fd)
		b := make([]byte, size)
		n, err := unix.Pread(fd, b, int64(at))
		return b[:max(n, 0)], err
	})
	if r.hung = errors.Is(err, ErrHung); r.hung {
		r.fell(opError("read", r.dir.path+"/mem", err))
	}
	if err != nil || len(b) != size {
		return nil
	}
	return b
}

// Epoll returns what an epoll instance of a process watches.
func (f FS) Epoll(pid, fd int) (look.PollSet, error) {
	info, err := f.FDInfo(pid, fd)
	return look.PollSet{FD: fd, Watches: info.Watches}, err
}

// FDInfo returns what /proc/PID/fdinfo tells of a descriptor.
func (f FS) FDInfo(pid, fd int) (FDInfo, error) {
	path := f.path(pid, "fdinfo/"+strconv.Itoa(fd))
	b, err := readFile(path, maxFDInfo)
	if err != nil {
		return FDInfo{}, err
	}
	return ParseFDInfo(bytes.NewReader(b))
}

// pipesPolled is how many descriptors of a poll are asked whether they are pipes: who waits for the output of a program has one or two.
const pipesPolled = 8

// maxFDInfo is enough for an epoll instance that watches 50,000 descriptors.
const maxFDInfo = 4 << 20
