package sysctl

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxFile bounds what is read of one file.
const maxFile = 4 << 20

// ReadBoot reads the files of sysctl.d below a root, normally "/". Links are followed as if root were the root of the file system. The error says that a directory
// exists and could not be read; what could be is returned with it.
func ReadBoot(root string) (*Boot, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &Boot{}, &OpError{"read", root, err}
	}
	defer unix.Close(dir)
	b := &Boot{}
	var failed error
	for _, d := range Dirs() {
		names, err := list(dir, d)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, &OpError{"read", d, err})
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".conf") && len(name) >= len(".conf") {
				text, err := readFile(dir, d+"/"+name)
				b.Files = append(b.Files, File{d + "/" + name, text, err})
			}
		}
	}
	// procps wants a regular file there, links followed.
	if text, err := readFile(dir, Conf); text != nil || err != nil {
		b.Conf = &File{Conf, text, err}
	}
	return b, failed
}

// open opens a path below a directory as if that were the root.
func open(root int, path string, flags uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	for {
		fd, err := unix.Openat2(root, strings.TrimPrefix(path, "/"), &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN): // EAGAIN: something was renamed meanwhile
		case errors.Is(err, unix.ENOSYS): // before 5.6: right for "/", and for trees without links that begin with a slash
			fd, err = unix.Openat(root, strings.TrimPrefix(path, "/"), int(how.Flags), 0) //nolint:gosec // flags of open fit
			if err != nil {
				return nil, err
			}
			return os.NewFile(uintptr(fd), path), nil
		default:
			return nil, err
		}
	}
}

func list(root int, path string) ([]string, error) {
	d, err := open(root, path, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

var errTooLarge = errors.New("larger than any file of settings")

// readFile returns the text of a regular file; nil for what loaders find nothing in: a link to nowhere, or a device such as /dev/null.
func readFile(root int, path string) ([]byte, error) {
	f, err := open(root, path, unix.O_NONBLOCK) // it may be a FIFO
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		return nil, errTooLarge
	}
	if err == nil && text == nil {
		text = []byte{}
	}
	return text, err
}
