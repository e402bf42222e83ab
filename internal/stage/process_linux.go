package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Start starts a command in the calling thread's namespaces. It is killed when that thread ends.
func Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Start()
}

// Rename gives the process the name that ps shows (comm, at most 15 bytes).
func Rename(name string) error { return os.WriteFile("/proc/self/comm", []byte(name), 0) }

// RenameThread gives the calling thread a name.
func RenameThread(name string) error { return os.WriteFile("/proc/thread-self/comm", []byte(name), 0) }

// Stop stops a process (SIGSTOP) until Continue. It returns when all threads have stopped, each of which does so on its way back to user space (do_signal_stop).
func Stop(pid int) error {
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		return os.NewSyscallError("kill", err)
	}
	for deadline := time.Now().Add(Patience); !stopped(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return os.ErrDeadlineExceeded
		}
	}
	return nil
}

func stopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if _, state, _ := strings.Cut(string(text), ") "); err == nil && !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return err == nil && len(threads) > 0
}

// Continue ends what Stop began.
func Continue(pid int) error { return os.NewSyscallError("kill", unix.Kill(pid, unix.SIGCONT)) }

// Sleep blocks the calling thread in the kernel (clock_nanosleep), where time.Sleep would only park a goroutine.
func Sleep(d time.Duration) {
	left := unix.NsecToTimespec(d.Nanoseconds())
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &left, &left) == unix.EINTR {
	}
}

// Spawn starts this binary again with arguments, with the input of this process and all descriptors that are not closed on exec.
func Spawn(args ...string) error {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdin = os.Stdin
	return Start(cmd)
}
