package sysctl_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/sysctl"
)

func TestDropIns(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(root+"/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	d := sysctl.NewDropIns(root)
	const name, text = "90-closewait.conf", "net.ipv4.tcp_retries2 = 8\n"
	if _, err := d.Read(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if err := d.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing to remove: %v", err)
	}
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	if err := d.Write(name, text, true); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(name, "other", true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("it exists: %v", err)
	}
	info, err := os.Stat(filepath.Join(root, "etc/sysctl.d", name))
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, err := d.Read(name); got != text || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	// What a killed process has left is in nobody's way.
	if err := os.WriteFile(filepath.Join(root, "etc/sysctl.d/.90-closewait.conf.closewait"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(name, text+text, false); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Read(name); got != text+text || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := d.Remove(name); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root + "/etc/sysctl.d"); len(left) != 0 || err != nil {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestDropIns_notAFile(t *testing.T) {
	root := t.TempDir()
	tree{"etc/sysctl.d/a.conf": "->/dev/null", "etc/sysctl.d/b.conf/x": ""}.write(t, root)
	d := sysctl.NewDropIns(root)
	for _, name := range []string{"a.conf", "b.conf"} {
		_, read := d.Read(name)
		for _, err := range []error{read, d.Write(name, "x", false), d.Write(name, "x", true), d.Remove(name)} {
			if !errors.Is(err, sysctl.ErrNotFile) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestValidDropIn(t *testing.T) {
	for name, want := range map[string]bool{
		"90-closewait.conf": true, "99-zz-closewait.conf": true, "x.conf": true, ".conf": false, "": false, ".x.conf": false, "x": false, "x.conf~": false, "../x.conf": false,
		"a/b.conf": false, "a b.conf": false, "-x.conf": false, "x*.conf": false, "ä.conf": false, strings.Repeat("x", 200) + ".conf": false,
	} {
		if got := sysctl.ValidDropIn(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestBooterAndManagers(t *testing.T) {
	for name, c := range map[string]struct {
		files tree
		ok    bool
		l     sysctl.Loader
	}{
		"container":       {tree{"usr/lib/systemd/systemd-sysctl": ""}, false, 0},
		"systemd":         {tree{"usr/lib/systemd/systemd-sysctl": "", "run/systemd/system/x": ""}, true, sysctl.Systemd},
		"systemd, masked": {tree{"usr/lib/systemd/systemd-sysctl": "", "run/systemd/system/x": "", "etc/systemd/system/systemd-sysctl.service": ""}, false, 0},
		"openrc":          {tree{"run/openrc/x": "", "etc/init.d/sysctl": ""}, true, sysctl.Procps},
		"nothing":         {tree{"etc/x": ""}, false, 0},
	} {
		root := t.TempDir()
		c.files.write(t, root)
		if l, ok := sysctl.Booter(root); ok != c.ok || ok && l != c.l {
			t.Errorf("%s: %v, %v", name, l, ok)
		}
	}
	root := t.TempDir()
	tree{"etc/tuned/active_profile": "throughput-performance\n", "etc/salt/minion": "", "etc/puppet/x": ""}.write(t, root)
	got := sysctl.Managers(root)
	want := []look.Manager{{Name: "TuneD", Sign: "/etc/tuned/active_profile", Detail: "throughput-performance"}, {Name: "Salt", Sign: "/etc/salt/minion"}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v", got)
	}
}

func TestOf_generator(t *testing.T) {
	boot := sysctl.Boot{Files: []sysctl.File{file("/etc/sysctl.d/a.conf", "# Ansible managed\nnet.ipv4.tcp_retries2=8\n")}}
	if o := boot.Of(sysctl.Procps, named("tcp_retries2")); o.Winner == nil || o.Winner.By != "Ansible" {
		t.Errorf("got %+v", o.Winner)
	}
}
