package sysctl

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Why a setting could not be given a value, beside fs.ErrNotExist and fs.ErrPermission.
var (
	// ErrRange is the kernel's EINVAL or ERANGE: it does not take this value.
	ErrRange = errors.New("the kernel refuses the value")
	// ErrReadOnly is EROFS: /proc/sys is mounted read-only, as in most containers.
	ErrReadOnly = errors.New("/proc/sys is mounted read-only here")
	// ErrNotTaken says that the kernel accepted the value and shows another one.
	ErrNotTaken = errors.New("the kernel shows another value")
)

// Set gives a setting a value, in the network namespace of the calling thread, and reads it back. The errors: ErrRange (EINVAL), ErrReadOnly (EROFS), ErrNotTaken,
// fs.ErrPermission (EPERM, EACCES: it takes CAP_NET_ADMIN in the user namespace that owns the network namespace, see net_ctl_permissions), fs.ErrNotExist (ENOENT), fs.ErrInvalid
// for a key that is none.
func (f FS) Set(key, value string) error {
	path, err := Path(key)
	if err != nil {
		return &OpError{"write", key, err}
	}
	if err := write(f.root+"/"+path, value); err != nil {
		return &OpError{"write", key, err}
	}
	now, err := f.Get(key)
	if err != nil {
		return err
	}
	if !Same(now, value) {
		return &OpError{"write", key, fmt.Errorf("%w: %q, not %q", ErrNotTaken, now, value)}
	}
	return nil
}

// Same reports whether two values differ in their spaces only: the kernel separates numbers by tabs.
func Same(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

// write writes the whole value in one call: /proc/sys takes each call as a value of its own (proc_sys_call_handler).
func write(path, value string) error {
	fd, err := openFor(path, unix.O_WRONLY)
	if err != nil {
		return kind(err)
	}
	defer unix.Close(fd)
	for {
		switch _, err := unix.Write(fd, []byte(value+"\n")); {
		case errors.Is(err, unix.EINTR):
		default:
			return kind(err)
		}
	}
}

// kind joins an errno with the error of this package that says what it means here.
func kind(err error) error {
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ERANGE):
		return fmt.Errorf("%w (%w)", ErrRange, err)
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("%w (%w)", ErrReadOnly, err)
	}
	return err
}

// Denied reports whether a setting exists and this process may not write it, in the network namespace of the calling thread.
func (f FS) Denied(key string) bool {
	path, err := Path(key)
	if err != nil {
		return false
	}
	err = unix.Faccessat(unix.AT_FDCWD, f.root+"/"+path, unix.W_OK, unix.AT_EACCESS)
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS)
}
