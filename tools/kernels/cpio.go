package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// archive writes the cpio format that the kernel unpacks as its first file system ("newc", Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w     io.Writer
	inode int
	at    int64
	dirs  map[string]bool
	err   error
}

func newArchive(w io.Writer) *archive { return &archive{w: w, dirs: map[string]bool{".": true}} }

func (a *archive) write(b []byte) {
	if a.err == nil {
		var n int
		n, a.err = a.w.Write(b)
		a.at += int64(n)
	}
}

func (a *archive) pad() {
	if rest := a.at % 4; rest != 0 {
		a.write(make([]byte, 4-rest))
	}
}

// entry writes one member. Names are relative to the root.
func (a *archive) entry(name string, mode uint32, data []byte) {
	a.inode++
	a.write(fmt.Appendf(nil, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0))
	a.write(append([]byte(name), 0))
	a.pad()
	a.write(data)
	a.pad()
}

// The file types of a mode.
const (
	modeDir  = 0o040000
	modeFile = 0o100000
	modeLink = 0o120000
)

// dir makes a directory and those above it.
func (a *archive) dir(name string) {
	if name = filepath.Clean(name); a.dirs[name] {
		return
	}
	a.dir(filepath.Dir(name))
	a.dirs[name] = true
	a.entry(name, modeDir|0o755, nil)
}

func (a *archive) file(name string, mode uint32, data []byte) {
	a.dir(filepath.Dir(name))
	a.entry(name, modeFile|mode, data)
}

// link makes a symbolic link.
func (a *archive) link(name, target string) {
	a.dir(filepath.Dir(name))
	a.entry(name, modeLink|0o777, []byte(target))
}

// copy puts a file of the host into the archive.
func (a *archive) copy(from, to string) {
	data, err := os.ReadFile(from)
	if err != nil {
		a.fail(err)
		return
	}
	a.file(to, 0o755, data)
}

// tree puts a directory of the host into the archive, without those directories that are not wanted. Symbolic links become what they point at.
func (a *archive) tree(from, to string, without ...string) {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && slices.Contains(without, d.Name()):
			return filepath.SkipDir
		case err != nil || d.IsDir():
			return err
		}
		a.copy(path, filepath.Join(to, strings.TrimPrefix(path, from)))
		return a.err
	})
	a.fail(err)
}

func (a *archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}
