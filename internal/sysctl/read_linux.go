package sysctl

import (
	"bytes"
	"fmt"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/setting"
)

// maxValue is more than any setting shows (proc_do_large_bitmap of all ports comes nearest).
const maxValue = 64 << 10

// Get returns the value of a setting, without the newline at its end, in the network namespace of the calling thread. See [Path] for the key and [OpError]
// for the errors.
func (f FS) Get(key string) (string, error) {
	path, err := Path(key)
	if err != nil {
		return "", &OpError{"read", key, err}
	}
	b, err := read(f.root + "/" + path)
	if err != nil {
		return "", &OpError{"read", key, err}
	}
	return string(bytes.TrimRight(b, "\n")), nil
}

// Int returns the value of a setting that is one number. Another value is fs.ErrInvalid.
func (f FS) Int(key string) (int64, error) {
	text, err := f.Get(key)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &OpError{"parse", key, fmt.Errorf("%w: %q is not a number", fs.ErrInvalid, text)}
	}
	return n, nil
}

// ReadTCP returns the settings of [setting.TCP] by their names, in the network namespace of the calling thread. Those that cannot be read, because the kernel or the
// namespace has none such, are absent.
func (f FS) ReadTCP() map[string]int64 {
	table := setting.TCP()
	values := make(map[string]int64, len(table))
	for _, s := range table {
		if n, err := f.Int(s.Key()); err == nil {
			values[s.Name] = n
		}
	}
	return values
}

// read reads a small file in three system calls: one read is enough, as /proc/sys gives a value in one piece (proc_sys_call_handler).
func read(path string) ([]byte, error) {
	fd, err := openFor(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	b := make([]byte, 64)
	for {
		n, err := unix.Pread(fd, b, 0)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, err
		case n < len(b) || n >= maxValue:
			return b[:n], nil
		default: // it may have been longer; proc handlers start again at offset 0
			b = make([]byte, 16*len(b))
		}
	}
}

func openFor(path string, access int) (int, error) {
	for {
		fd, err := unix.Open(path, access|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
