package change_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/change"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sysctl"
)

func TestMain(m *testing.M) { nstest.Main(m) }

func liveSysctl() change.Sysctl {
	return change.Sysctl{Tree: sysctl.New("/proc/sys"), Roots: netns.DefaultRoots()}
}

// lower is a step that sets tcp_retries2 from 15 to 8 in a namespace that is found by a path.
func lower(inode uint64, detail report.SysctlTarget) *report.Step {
	return &report.Step{
		Action: report.ActionSysctl, Target: "net.ipv4.tcp_retries2", Netns: &report.Netns{Inode: inode}, Before: report.Integer(15), After: report.Integer(8),
		Undoable: true, Detail: report.Detail{Sysctl: &detail},
	}
}

func cookieOf(t *testing.T, ns *nstest.Namespace) (cookie string) {
	t.Helper()
	ns.Do(func() {
		c, ok := netns.Cookie()
		if !ok {
			nstest.Missing(t, "SO_NETNS_COOKIE (Linux 5.14)")
		}
		cookie = fmt.Sprintf("0x%x", c)
	})
	return cookie
}

// TestSysctl_namespace: a step is made in its own namespace, also when the path by which that was found is stale, and in no other.
func TestSysctl_namespace(t *testing.T) {
	ns, other := nstest.New(t), nstest.New(t)
	cookie := cookieOf(t, ns)
	retries2 := func(ns *nstest.Namespace) (value string) {
		ns.Do(func() {
			b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_retries2")
			if err != nil {
				t.Fatal(err)
			}
			value = strings.TrimSpace(string(b))
		})
		return value
	}
	named := filepath.Join(t.TempDir(), "one")
	if err := os.Symlink(fmt.Sprintf("/proc/%d%s", os.Getpid(), strings.TrimPrefix(ns.Path(), "/proc/self")), named); err != nil {
		t.Fatal(err)
	}
	roots := netns.DefaultRoots()
	roots.Names = []string{filepath.Dir(named)}
	actor := change.Sysctl{Tree: sysctl.New("/proc/sys"), Roots: roots}
	for _, path := range []string{ns.Path(), "/proc/999999999/ns/net", other.Path()} {
		step := lower(ns.Inode(), report.SysctlTarget{Path: path, Cookie: cookie})
		for _, try := range []struct {
			do    func() error
			found change.Standing
			value string
		}{
			{func() error { return nil }, change.AsBefore, "15"},
			{func() error { return actor.Apply(t.Context(), step) }, change.AsAfter, "8"},
			{func() error { return actor.Undo(t.Context(), step) }, change.AsBefore, "15"},
		} {
			err := try.do()
			reading, readErr := actor.Read(t.Context(), step)
			if err != nil || readErr != nil || reading.Standing != try.found || retries2(ns) != try.value || retries2(other) != "15" {
				t.Errorf("by %s: %v, %v, %+v; the namespace has %s, the other %s", path, err, readErr, reading, retries2(ns), retries2(other))
			}
		}
	}
}

// TestSysctl_gone: a namespace that has ended is not taken for the one that has its inode now.
func TestSysctl_gone(t *testing.T) {
	ns := nstest.New(t)
	cookieOf(t, ns)
	for name, step := range map[string]*report.Step{
		"another cookie": lower(ns.Inode(), report.SysctlTarget{Path: ns.Path(), Cookie: "0x1234567"}),
		"no such inode":  lower(1, report.SysctlTarget{Path: ns.Path()}),
	} {
		reading, err := liveSysctl().Read(t.Context(), step)
		if err != nil || reading.Standing != change.Gone {
			t.Errorf("%s: %+v, %v", name, reading, err)
		}
		if err := liveSysctl().Apply(t.Context(), step); !errors.Is(err, netns.ErrVanished) {
			t.Errorf("%s: written: %v", name, err)
		}
	}
}

// TestSysctl_refused: what the kernel will not take is refused, and nothing has changed.
func TestSysctl_refused(t *testing.T) {
	ns := nstest.New(t)
	step := lower(ns.Inode(), report.SysctlTarget{Path: ns.Path()})
	step.After = report.Integer(256)
	if err := liveSysctl().Apply(t.Context(), step); !errors.Is(err, change.ErrRefused) || !errors.Is(err, sysctl.ErrRange) {
		t.Errorf("256 is taken: %v", err)
	}
	if reading, err := liveSysctl().Read(t.Context(), step); err != nil || reading.Standing != change.AsBefore {
		t.Errorf("%+v, %v", reading, err)
	}
	step.Netns = nil
	if _, err := liveSysctl().Read(t.Context(), step); !errors.Is(err, change.ErrRefused) {
		t.Errorf("a step in no namespace is read: %v", err)
	}
}

// TestDropIn_steps: a file is made, replaced and removed only where it is what the step says.
func TestDropIn_steps(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc/sysctl.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	actor := change.DropIn{Files: sysctl.NewDropIns(root)}
	step := &report.Step{Action: report.ActionFile, Target: "/etc/sysctl.d/90-x.conf", After: report.Text("a = 1\n"), Undoable: true, SurvivesReboot: true}
	is := func(what string, want change.Standing) {
		t.Helper()
		if reading, err := actor.Read(t.Context(), step); err != nil || reading.Standing != want {
			t.Errorf("%s: %+v, %v, want %d", what, reading, err, want)
		}
	}
	is("before", change.AsBefore)
	if err := actor.Apply(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	is("applied", change.AsAfter)
	if err := actor.Apply(t.Context(), step); !errors.Is(err, change.ErrRefused) {
		t.Errorf("a file that is there already is replaced: %v", err)
	}
	replace := &report.Step{Action: report.ActionFile, Target: step.Target, Before: step.After, After: report.Text("a = 2\n")}
	if err := actor.Apply(t.Context(), replace); err != nil {
		t.Fatal(err)
	}
	is("replaced by somebody", change.Elsewhere)
	if err := errors.Join(actor.Undo(t.Context(), replace), actor.Undo(t.Context(), step)); err != nil {
		t.Fatal(err)
	}
	is("undone", change.AsBefore)
	link := filepath.Join(root, step.Target)
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	if _, err := actor.Read(t.Context(), step); !errors.Is(err, change.ErrRefused) {
		t.Errorf("a mask is taken for a file: %v", err)
	}
	step.Target = "/etc/passwd"
	if _, err := actor.Read(t.Context(), step); !errors.Is(err, change.ErrRefused) {
		t.Errorf("a file elsewhere is read: %v", err)
	}
}
