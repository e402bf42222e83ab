package netns

import "golang.org/x/sys/unix"

// Cookie returns the number that tells the network namespace of the calling thread from all others of this boot, also from those that get its inode when it is gone
// (SO_NETNS_COOKIE, since 5.14). ok is false on older kernels.
func Cookie() (cookie uint64, ok bool) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	return cookie, err == nil
}
