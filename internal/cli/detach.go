package cli

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// detach starts this program once more, in a session of its own and without a terminal, to take a change back at a moment unless it is confirmed by then. It outlives the
// terminal and the user's session, but not the host: steps that would outlive it wait for the confirmation.
func detach(id string, at time.Time) (how string, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer null.Close()
	// The path behind the link would be another program's once the file is replaced.
	process, err := os.StartProcess("/proc/self/exe", []string{"closewait", "undo", id, "--at=" + at.Format(time.RFC3339Nano), "--unless-confirmed", "--yes", "--quiet"}, &os.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return "", err
	}
	how = fmt.Sprintf("a process of closewait in the background (pid %d); it outlives the terminal, but ends with the host, and with the user's session where logind kills what is left "+
		"(KillUserProcesses)", process.Pid)
	return how, process.Release()
}
