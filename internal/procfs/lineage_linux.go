package procfs

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
)

// Stat reads /proc/PID/stat: errors.Is(err, fs.ErrNotExist) when there is no such process.
func (f FS) Stat(pid int) (Stat, error) {
	dir, err := openDirectory(f.proc + "/" + strconv.Itoa(pid))
	if err != nil {
		return Stat{}, err
	}
	defer dir.close()
	return statIn(dir)
}

// statIn is Stat for whoever has the directory of the process open.
func statIn(dir directory) (Stat, error) {
	b, err := dir.read("stat", maxStat)
	if err != nil {
		return Stat{}, err
	}
	st, err := ParseStat(bytes.NewReader(b))
	if err != nil {
		return Stat{}, opError("parse", dir.path+"/stat", errors.Unwrap(err))
	}
	return st, nil
}

// Children returns the processes that a process has started and not waited for, those that have ended left out with the dead. The kernel tells them by thread, since 3.5 (CONFIG_PROC_CHILDREN); where
// it does not, and where the process is gone, there are none.
func (f FS) Children(pid int) (pids []int, err error) {
	dir, err := openDirectory(f.proc + "/" + strconv.Itoa(pid))
	if err != nil {
		return nil, err
	}
	defer dir.close()
	tids, err := listThreads(dir)
	for _, tid := range tids {
		b, err := dir.read("task/"+strconv.Itoa(tid)+"/children", maxText)
		if err != nil {
			continue // the thread has ended
		}
		for word := range bytes.FieldsSeq(b) {
			if child, ok := number(word); ok {
				pids = append(pids, int(child))
			}
		}
	}
	return pids, err
}

// Ancestor is a process that another descends from.
type Ancestor struct {
	PID, Session int
	// SSHConnection is the variable of this name in its first environment, "" when it has none or may not be read.
	SSHConnection string
}

// Lineage returns a process and its ancestors, itself first, process 1 left out. It ends where a parent is not known.
func (f FS) Lineage(pid int) []Ancestor {
	var line []Ancestor
	for range maxGenerations {
		st, err := f.Stat(pid)
		if err != nil || pid <= 1 {
			break
		}
		line = append(line, Ancestor{pid, st.Session, f.variable(pid, "SSH_CONNECTION")})
		pid = st.PPID
	}
	return line
}

// maxEnvironment is how much of an environment is searched.
const maxEnvironment = 1 << 20

// variable returns a variable of the environment a process began with.
func (f FS) variable(pid int, name string) string {
	dir, err := openDirectory(f.proc + "/" + strconv.Itoa(pid))
	if err != nil {
		return ""
	}
	defer dir.close()
	b, err := dir.read("environ", maxEnvironment)
	if err != nil {
		return ""
	}
	for entry := range strings.SplitSeq(string(b), "\x00") {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// Self is the pid of this process as this /proc counts it, 0 when that cannot be read: in another pid namespace it is not os.Getpid.
func (f FS) Self() int {
	link, err := os.Readlink(f.proc + "/self")
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(link)
	return pid
}
