package stage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Enter starts a command in a new network namespace, and in a new user namespace where the user may not make one otherwise; there he is root. prepare makes the command
// anew for each attempt. It is killed when the calling thread ends: callers that are to outlive no one lock themselves to a thread that lasts.
//
// Errors: why each way in was refused, in one line.
func Enter(prepare func() *exec.Cmd) (*exec.Cmd, error) {
	var refused error
	for _, attr := range entrances() {
		cmd := prepare()
		cmd.SysProcAttr = attr
		err := cmd.Start()
		if err == nil {
			return cmd, nil
		}
		if refused == nil {
			refused = refusal(attr, err)
		} else {
			refused = fmt.Errorf("%w; %w", refused, refusal(attr, err))
		}
	}
	return nil, refused
}

// refusal says what was refused. A number of user namespaces that is used up, or 0, is reported as a full disk (ENOSPC).
func refusal(attr *syscall.SysProcAttr, err error) error {
	what := "a network namespace"
	if attr.Cloneflags&unix.CLONE_NEWUSER != 0 {
		what = "a user namespace, which an ordinary user needs for it"
		if errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("%s: none is left (user.max_user_namespaces): %w", what, unix.ENOSPC)
		}
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err // the path is that of this program, which is not to blame
	}
	return fmt.Errorf("%s: %w", what, err)
}

// entrances lists the ways into a new network namespace, the plainest first.
func entrances() []*syscall.SysProcAttr {
	user := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		// As any other user the process would lose its capabilities over the namespace at execve.
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if os.Geteuid() != 0 {
		return []*syscall.SysProcAttr{user}
	}
	return []*syscall.SysProcAttr{{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}, user}
}

// Inode returns the inode of a file, which names a namespace: that of the process is /proc/self/ns/net.
func Inode(path string) (uint64, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return stat.Ino, nil
}

// SetUp brings a device of the calling thread's namespace up, "lo" as a rule.
func SetUp(device string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bring %s up: %w", device, err)
	}
	return nil
}
