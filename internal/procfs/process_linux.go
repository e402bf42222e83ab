package procfs

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
)

// maxCommandLine is how much of a command line is kept, and of that commandTail its end: what follows a long class path tells one program from another. More than longestLine is not read.
const (
	maxCommandLine = 4 << 10
	commandTail    = 1 << 10
	longestLine    = 128 << 10 // MAX_ARG_STRLEN in include/uapi/linux/binfmts.h
)

// Process describes a process. All of it belongs to one process even when the pid is reused meanwhile; StartTicks tells it from a later one. What cannot be
// read is left at its "not known"; without a process the error is that of /proc/PID/stat, errors.Is(err, fs.ErrNotExist) when there is none; with one it is that its command line or executable was not told.
//
// Comm, Cmdline and Workload are chosen by whoever runs the process: see the package comment.
func (f FS) Process(pid int) (*look.Process, error) {
	d := f.describer()
	return d.process(pid)
}

// Processes describes several processes, reading once what they have in common. Processes that are gone have no entry. An error other than that of
// the context is the first one that kept a process from being described; the others are in the map all the same.
func (f FS) Processes(ctx context.Context, pids []int) (map[int]*look.Process, error) {
	d := f.describer()
	all := make(map[int]*look.Process, len(pids))
	var first error
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return all, opError("describe", f.proc, err)
		}
		p, err := d.process(pid)
		if p != nil {
			all[pid] = p
		}
		if err != nil && first == nil && (!errors.Is(err, fs.ErrNotExist) || f.Alive(pid)) {
			first = err
		}
	}
	return all, first
}

// Is reports whether the process with the pid of one that was described is still that one, and not a later one that was given its pid. The error is that of reading /proc/PID/stat,
// fs.ErrNotExist when there is no process.
func (f FS) Is(p *look.Process) (bool, error) {
	st, err := f.Stat(p.PID)
	return err == nil && st.StartTicks == p.StartTicks, err
}

// Holds reports whether the process that was described has a socket under the number of a descriptor now.
func (f FS) Holds(p *look.Process, fd int, inode uint32) bool {
	now, err := f.SocketInode(p.PID, fd)
	if err != nil || now != inode {
		return false
	}
	same, err := f.Is(p)
	return err == nil && same
}

// Ticks returns how long the system has been up, as Process.StartTicks counts it; 0 when that cannot be read.
func (f FS) Ticks() uint64 {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return uint64(now.Nano()) / uint64(time.Second/ticksPerSecond)
}

// describer describes processes; it keeps what is the same for all of them.
type describer struct {
	fs    FS
	boot  time.Time
	names *names
	// goBuilt says of the executables met so far whether the Go toolchain built them.
	goBuilt map[file]bool
}

func (f FS) describer() *describer {
	d := &describer{fs: f, names: newNames(f.files), goBuilt: map[file]bool{}}
	if file, err := os.Open(f.proc + "/stat"); err == nil {
		d.boot, _ = ParseBootTime(file) // zero: not known
		_ = file.Close()
	}
	return d
}

func (d *describer) process(pid int) (*look.Process, error) {
	dir, err := openDirectory(d.fs.proc + "/" + strconv.Itoa(pid))
	if err != nil {
		return nil, err
	}
	defer dir.close()
	st, err := statIn(dir)
	if err != nil {
		return nil, err
	}
	exe, goBuilt, unread := d.executable(dir)
	line, err := commandLine(dir)
	if !errors.Is(err, ErrHung) {
		err = unread
	}
	return &look.Process{
		PID: pid, Comm: st.Comm, Cmdline: line, Exe: exe, Go: goBuilt, StartTicks: st.StartTicks, StartTime: started(d.boot, st.StartTicks),
		FDs: countDescriptors(dir), FDLimit: openFilesLimit(dir), Workload: d.workload(dir, st.Comm), PPID: st.PPID, Group: st.Group, State: st.State,
	}, err
}

// commandLine returns the arguments with spaces between them, "" for a kernel thread. They are in the memory of the process.
func commandLine(dir directory) (string, error) {
	b, err := dir.readPatiently("cmdline", longestLine)
	if err != nil {
		return "", err
	}
	b = bytes.ReplaceAll(bytes.TrimRight(b, "\x00"), []byte{0}, []byte{' '})
	if len(b) > maxCommandLine {
		return string(b[:maxCommandLine-commandTail]) + " … " + string(b[len(b)-commandTail:]), nil
	}
	return string(b), nil
}

func openFilesLimit(dir directory) int {
	b, err := dir.read("limits", maxText)
	if err != nil {
		return -1
	}
	n, err := ParseLimits(bytes.NewReader(b))
	if err != nil {
		return -1
	}
	return n
}

// countDescriptors asks for the size of the directory, and where that is not the number of descriptors counts the entries.
func countDescriptors(dir directory) int {
	var sfs unix.Statfs_t
	var st unix.Stat_t
	proc := unix.Fstatfs(dir.fd, &sfs) == nil && sfs.Type == unix.PROC_SUPER_MAGIC
	if proc && unix.Fstatat(dir.fd, "fd", &st, 0) == nil && st.Size > 0 {
		return int(st.Size)
	}
	fd, err := dir.within("fd")
	if err != nil {
		return -1
	}
	defer fd.close()
	n := 0
	err = eachEntry(fd.fd, make([]byte, dirBuffer), func(name []byte) (Next, error) {
		if _, ok := id(name[:len(name)-1]); ok {
			n++
		}
		return Continue, nil
	})
	if err != nil {
		return -1
	}
	return n
}

func (d *describer) workload(dir directory, comm string) look.Workload {
	var w look.Workload
	if b, err := dir.read("cgroup", maxText); err == nil {
		if list, err := ParseCgroup(bytes.NewReader(b)); err == nil {
			w = WorkloadOfAll(list)
		}
	}
	if w.Kind == look.KindProcess {
		w.Name = comm
		return w
	}
	d.names.improve(&w)
	return w
}
