package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// page is what a file system in memory hands out at a time.
const page = 4096

// fillable is a host whose files are on a disk of its own that can be filled.
type fillable struct {
	*host
	pages int
}

// newFillable mounts the disk where only the calling thread and what it starts see it. The thread is lost for everybody else.
func newFillable(t *testing.T) *fillable {
	nstest.Require(t)
	f := &fillable{&host{t, t.TempDir()}, 64}
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS)
	if err == nil {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	if err == nil {
		err = unix.Mount("tmpfs", f.root, "tmpfs", 0, fmt.Sprintf("size=%d", f.pages*page))
	}
	if err != nil {
		t.Fatalf("no disk of one's own: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(f.root, unix.MNT_DETACH) })
	return f
}

// leave empties the disk, and fills it but for so many pages.
func (f *fillable) leave(pages int) {
	f.t.Helper()
	entries, err := os.ReadDir(f.root)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(f.root, e.Name())))
	}
	err = errors.Join(err, os.MkdirAll(filepath.Join(f.root, "etc/sysctl.d"), 0o755), os.WriteFile(filepath.Join(f.root, filler), make([]byte, (f.pages-pages)*page), 0o600))
	if err != nil {
		f.t.Fatal(err)
	}
}

// filler is the file that takes the room, printed what a command prints into.
const filler, printed = "filler", "stdout"

// left lists the files that are on the disk beside what fills it.
func (f *fillable) left() (list []string) {
	f.t.Helper()
	err := filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(path, f.root+"/"); err == nil && d.Type().IsRegular() && name != filler {
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return list
}

// short is a command that wants room on the disk.
type short struct {
	args []string
	file string // it is to write, "" for none but the journal
	// changed reports whether anything of the host is not as it was.
	changed func() bool
}

// try runs a command on a disk with so much room. It reports whether that was enough.
func (f *fillable) try(c *short, pages int) (done bool) {
	f.t.Helper()
	f.leave(pages)
	cmd := f.command(nil, c.args...)
	stdout, err := os.Create(filepath.Join(f.root, printed))
	if err != nil {
		f.t.Fatal(err)
	}
	defer stdout.Close()
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	_ = cmd.Run()
	code, changed := cmd.ProcessState.ExitCode(), c.changed != nil && c.changed()
	f.entries() // are whole
	if code == 0 {
		if _, err := os.Stat(filepath.Join(f.root, c.file)); err != nil || c.changed != nil && !changed {
			f.t.Errorf("%v with room for %d pages: it is not done: %v\n%s", c.args, pages, err, &stderr)
		}
		return true
	}
	if code != 2 && code != 4 && code != 5 || !strings.Contains(stderr.String(), "no space left on device") || changed {
		f.t.Errorf("%v with room for %d pages: exit %d, changed %v: %s", c.args, pages, code, changed, &stderr)
	}
	for _, name := range f.left() {
		if name != printed && name != "state/changes/lock" && !(code == 5 && strings.HasPrefix(name, "state/changes/") && strings.HasSuffix(name, ".json")) {
			f.t.Errorf("%v with room for %d pages: exit %d, and %s is left", c.args, pages, code, name)
		}
	}
	return false
}

// TestFullDisk lets every command that writes files, or prints into one, find a disk with room for nothing, for a page, for two, for four, until there is room enough: then it has done what it is for, and until
// then it says why not, has changed nothing, and leaves nothing that is not whole.
func TestFullDisk(t *testing.T) {
	f := newFillable(t)
	made := nstest.Build(t, "established", nstest.IPv4).Subject
	held := nstest.StartHolder(t, 30)
	netns := "--netns=" + strconv.Itoa(os.Getpid())
	before := f.get(retries2)
	t.Cleanup(func() { f.set(retries2, before) })
	f.set(retries2, "15")
	free, stuck := patienceOf(t, made.FD), stuckIn(t)
	tuned := func() bool { return f.get(retries2) != "15" }
	in := func(name string) string { return filepath.Join(f.root, name) }
	for _, c := range []short{
		{[]string{"record", in("look"), netns}, "look", nil},
		{[]string{"report", in("look.html"), netns}, "look.html", nil},
		{[]string{"ls", "-p", "-o", "json", netns}, printed, nil},
		{[]string{"tune", "tcp_retries2=8", "--save", in("plan")}, "plan", nil},
		{[]string{"tune", "tcp_retries2=8", "--persist", "--yes"}, "etc/sysctl.d/90-closewait.conf", tuned},
		{[]string{"limit", "90s", only(made), netns, "--yes"}, "", func() bool { return patienceOf(t, made.FD) != free }},
		{[]string{"close", fmt.Sprintf("pid = %d and state close-wait", held.PID), "--how=destroy", netns, allRisks, "--yes"}, "", func() bool { return stuckIn(t) != stuck }},
	} {
		pages := 0
		for ; pages < f.pages && !f.try(&c, pages) && !t.Failed(); pages = max(pages+1, pages*2) {
		}
		if pages == 0 || pages == f.pages {
			t.Errorf("%v: enough with room for %d pages", c.args, pages)
		}
		t.Logf("%s: enough with room for %d pages", c.args[0], pages)
		f.set(retries2, "15")
	}
}

// stuckIn counts the sockets in CLOSE_WAIT of the calling thread's namespace.
func stuckIn(t *testing.T) (n int) {
	t.Helper()
	for _, s := range nstest.SS(t) {
		if s.State == tcp.CloseWait {
			n++
		}
	}
	return n
}
