package procfs

import (
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// errNotUnified is said of a cgroup without an ID that sockets could carry.
var errNotUnified = errors.New("not in the version 2 hierarchy")

// CgroupID returns the ID of a cgroup of the version 2 hierarchy below root, normally "/sys/fs/cgroup": its file handle (kernfs_encode_fh), which sock_diag
// reports of each socket (INET_DIAG_CGROUP_ID). The path may begin with root or not.
func CgroupID(root, path string) (uint64, error) {
	full := root + "/" + strings.Trim(strings.TrimPrefix(path, root), "/")
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, full, 0)
	if err != nil {
		return 0, opError("find cgroup", full, err)
	}
	if b := handle.Bytes(); len(b) == 8 {
		return binary.NativeEndian.Uint64(b), nil
	}
	return 0, opError("find cgroup", full, errNotUnified)
}
