package procfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/procfs"
)

// process writes /proc/PID with what a lineage needs.
func process(t *testing.T, root string, pid, ppid, session int, environ string) {
	t.Helper()
	dir := filepath.Join(root, fmt.Sprint(pid))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	stat := fmt.Sprintf("%d (sh) S %d %d %d 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n", pid, ppid, session, session)
	for name, text := range map[string]string{"stat": stat, "environ": environ} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLineage(t *testing.T) {
	root := t.TempDir()
	process(t, root, 900, 800, 700, "A=1\x00SSH_CONNECTION=192.0.2.1 4711 192.0.2.9 22\x00B=2\x00")
	process(t, root, 800, 600, 700, "XSSH_CONNECTION=no\x00")
	process(t, root, 600, 1, 600, "")
	process(t, root, 1, 0, 1, "")
	if err := os.Symlink("900", filepath.Join(root, "self")); err != nil {
		t.Fatal(err)
	}
	proc := procfs.New(root)
	want := []procfs.Ancestor{{PID: 900, Session: 700, SSHConnection: "192.0.2.1 4711 192.0.2.9 22"}, {PID: 800, Session: 700}, {PID: 600, Session: 600}}
	if diff := cmp.Diff(want, proc.Lineage(proc.Self())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := proc.Lineage(5); got != nil {
		t.Errorf("of a process that is not there: %v", got)
	}
	if _, err := proc.Stat(5); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
