package procfs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/closewait/closewait/internal/procfs"
)

// fakeProcess is a process of a fixture: the links in its fd directory by number, and its parent.
type fakeProcess struct {
	ppid  int
	fds   map[int]string
	files map[string]string
}

// write puts files below root; the key is the path, the value the text.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fixture builds a /proc in a directory, with links where the kernel has magic ones.
func fixture(t *testing.T, processes map[int]fakeProcess) (procfs.FS, string) {
	t.Helper()
	root := t.TempDir()
	for pid, p := range processes {
		dir := filepath.Join(root, strconv.Itoa(pid))
		write(t, dir, map[string]string{"stat": fmt.Sprintf("%d (p%d) S %d 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, pid, p.ppid, 100*pid)})
		write(t, dir, p.files)
		if err := os.MkdirAll(dir+"/fd", 0o755); err != nil {
			t.Fatal(err)
		}
		for fd, target := range p.fds {
			if err := os.Symlink(target, fmt.Sprintf("%s/fd/%d", dir, fd)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return procfs.New(root), root
}

func socket(inode int64) string { return fmt.Sprintf("socket:[%d]", inode) }
