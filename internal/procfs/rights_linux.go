package procfs

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Rights is what this process may do to others, and what may take that away from it.
type Rights struct {
	// Every is true when its capabilities alone would open every process of the host: CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH over the first user namespace.
	Every bool
	// Short is true when it has not all the capabilities that such looks take, over whatever user namespace: those two and CAP_SYS_ADMIN. Root in a container usually lacks some.
	Short bool
	// Label is the security module's label of it (/proc/self/attr/current): "docker-default (enforce)"; "" when there is no such module.
	Label string
}

// firstUserNamespace is PROC_USER_INIT_INO (include/linux/proc_ns.h).
const firstUserNamespace = "user:[4026531837]"

// Rights returns this process's own.
func (f FS) Rights() Rights {
	var r Rights
	const wanted = 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_DAC_READ_SEARCH
	if b, err := os.ReadFile(f.proc + "/self/status"); err == nil {
		namespace, _ := os.Readlink(f.proc + "/self/ns/user")
		has := effective(b)
		r.Every = has&wanted == wanted && namespace == firstUserNamespace
		r.Short = has&wanted != wanted || has&(1<<unix.CAP_SYS_ADMIN) == 0
	}
	if b, err := os.ReadFile(f.proc + "/self/attr/current"); err == nil {
		r.Label = strings.TrimRight(string(b), "\x00\n")
	}
	return r
}

// effective returns the set CapEff of /proc/PID/status, 0 when it is not there.
func effective(status []byte) uint64 {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			set, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return set
		}
	}
	return 0
}
