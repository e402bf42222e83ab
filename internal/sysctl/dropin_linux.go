package sysctl

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// DropIns is /etc/sysctl.d below a root: the files of the administrator.
type DropIns struct{ dir string }

// NewDropIns returns the directory below a root, normally "/".
func NewDropIns(root string) DropIns { return DropIns{strings.TrimSuffix(root, "/") + Dirs()[0]} }

// ValidDropIn reports whether a file of that name is read by all loaders and is nobody's temporary file.
func ValidDropIn(name string) bool {
	stem, ok := strings.CutSuffix(name, ".conf")
	return ok && stem != "" && stem[0] != '.' && stem[0] != '-' && len(name) <= 200 &&
		strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// ErrNotFile means that what is there is no regular file: a link, say, by which somebody masks a file.
var ErrNotFile = errors.New("not a regular file")

// ErrReadOnlyFiles is EROFS: the directory is mounted read-only.
var ErrReadOnlyFiles = errors.New("the directory is mounted read-only")

// Read returns the text of a drop-in. The errors: fs.ErrNotExist, fs.ErrPermission, ErrNotFile.
func (d DropIns) Read(name string) (string, error) {
	fail := func(err error) (string, error) { return "", &OpError{"read", d.dir + "/" + name, err} }
	dir, err := unix.Open(d.dir, unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(dir)
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fail(err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fail(ErrNotFile)
	}
	text, err := readFile(dir, name)
	if err == nil && text == nil { // it went or changed its kind meanwhile
		err = fs.ErrNotExist
	}
	if err != nil {
		return fail(err)
	}
	return string(text), nil
}

// Write makes a drop-in, or replaces it, in one step: whoever reads the directory, also after a loss of power, finds the old text or the new one. With create it must not
// exist yet: fs.ErrExist. The directory is made when it is missing. Other errors: ErrNotFile, ErrReadOnlyFiles, fs.ErrPermission.
func (d DropIns) Write(name, text string, create bool) error {
	return d.change("write", name, func(dir int) error {
		temporary := temporary(name)
		if err := unix.Unlinkat(dir, temporary, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		err := writeSynced(dir, temporary, text)
		if err == nil && create {
			err = unix.Renameat2(dir, temporary, dir, name, unix.RENAME_NOREPLACE)
		} else if err == nil {
			err = unix.Renameat(dir, temporary, dir, name)
		}
		if err != nil {
			_ = unix.Unlinkat(dir, temporary, 0)
		}
		return err
	})
}

// temporary is the name of a text in the making: no loader reads it. A process that is killed may leave one.
func temporary(name string) string { return "." + name + ".closewait" }

// Tidy removes what a process that was killed may have left.
func (d DropIns) Tidy(name string) error {
	err := d.change("tidy", name, func(dir int) error { return unix.Unlinkat(dir, temporary(name), 0) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Remove removes a drop-in: fs.ErrNotExist when there is none.
func (d DropIns) Remove(name string) error {
	return d.change("remove", name, func(dir int) error { return unix.Unlinkat(dir, name, 0) })
}

// change alters the directory, unless what stands under the name is no regular file, and syncs it.
func (d DropIns) change(op, name string, alter func(dir int) error) error {
	err := func() error {
		if !ValidDropIn(name) {
			return fs.ErrInvalid
		}
		dir, err := d.open()
		if err != nil {
			return err
		}
		defer unix.Close(dir)
		var st unix.Stat_t
		if unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
			return ErrNotFile
		}
		if err := alter(dir); err != nil {
			return err
		}
		return unix.Fsync(dir)
	}()
	if errors.Is(err, unix.EROFS) {
		err = ErrReadOnlyFiles
	}
	if err != nil {
		return &OpError{op, d.dir + "/" + name, err}
	}
	return nil
}

// open opens the directory, and makes it when it is missing.
func (d DropIns) open() (int, error) {
	const how = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	dir, err := unix.Open(d.dir, how, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	if err := unix.Mkdir(d.dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return -1, err
	}
	if parent, err := unix.Open(d.dir+"/..", how, 0); err == nil {
		_ = unix.Fsync(parent)
		_ = unix.Close(parent)
	}
	return unix.Open(d.dir, how, 0)
}

// writeSynced makes a file that everybody may read, whatever the umask.
func writeSynced(dir int, name, text string) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for rest := []byte(text); len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		rest = rest[max(n, 0):]
	}
	if err := unix.Fchmod(fd, 0o644); err != nil {
		return err
	}
	return unix.Fsync(fd)
}
