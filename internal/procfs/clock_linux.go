package procfs

import "os"

// Clock returns the kernel's frequency and count of jiffies at this moment, from /proc/timer_list, which only root may read: fs.ErrPermission otherwise.
func (f FS) Clock() (hz int, jiffies uint64, err error) {
	path := f.proc + "/timer_list"
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, opError("read", path, err)
	}
	defer file.Close()
	return ParseTimerList(file)
}
