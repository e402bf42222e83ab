package procfs

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
)

// Host returns the name of the host (that of the UTS namespace of the caller), the release of its kernel and the id of this boot, "" when it cannot be read.
func (f FS) Host() (look.Host, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return look.Host{}, opError("uname", "", err)
	}
	h := look.Host{Name: unix.ByteSliceToString(u.Nodename[:]), Kernel: unix.ByteSliceToString(u.Release[:])}
	if b, err := readFile(f.proc+"/sys/kernel/random/boot_id", maxStat); err == nil {
		h.BootID = strings.TrimSpace(string(b))
	}
	return h, nil
}
