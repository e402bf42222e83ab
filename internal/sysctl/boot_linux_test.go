package sysctl_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/internal/sysctl"
)

// tree is the files of a test by path. A text that begins with "->" is a link.
type tree map[string]string

func (files tree) write(t *testing.T, root string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if target, link := strings.CutPrefix(text, "->"); err == nil && link {
			err = os.Symlink(target, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// awkward are trees in which loaders have surprised people.
var awkward = map[string]tree{
	"nothing":                       {},
	"one file":                      {"etc/sysctl.d/90-x.conf": "net.ipv4.tcp_retries2 = 8\n"},
	"order by name, not directory":  {"etc/sysctl.d/10-x.conf": "net.ipv4.tcp_retries2=5\n", "usr/lib/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=6\n"},
	"etc hides usr":                 {"etc/sysctl.d/50-x.conf": "net.ipv4.tcp_retries1=5\n", "usr/lib/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=6\n"},
	"run hides usr local":           {"run/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=5\n", "usr/local/lib/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=6\n"},
	"masked by a link":              {"etc/sysctl.d/50-x.conf": "->/dev/null", "usr/lib/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=6\n"},
	"masked by an empty file":       {"etc/sysctl.d/50-x.conf": "", "usr/lib/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=6\n"},
	"masked by a dangling link":     {"etc/sysctl.d/50-x.conf": "->/nowhere", "usr/lib/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=6\n"},
	"masked by a directory":         {"etc/sysctl.d/50-x.conf/file": "", "usr/lib/sysctl.d/50-x.conf": "net.ipv4.tcp_retries2=6\n"},
	"link to sysctl.conf":           {"etc/sysctl.conf": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.d/99-sysctl.conf": "->../sysctl.conf", "etc/sysctl.d/99-zz.conf": "net.ipv4.tcp_retries2=7\n"},
	"absolute link":                 {"etc/x": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.d/99-x.conf": "->/etc/x"},
	"only sysctl.conf":              {"etc/sysctl.conf": "net.ipv4.tcp_retries2=6\n"},
	"sysctl.conf is a link":         {"etc/x": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.conf": "->x"},
	"hidden file":                   {"etc/sysctl.d/.x.conf": "net.ipv4.tcp_retries2=6\n"},
	"other endings":                 {"etc/sysctl.d/a.conf~": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.d/b.conf.dpkg-dist": "net.ipv4.tcp_retries2=7\n", "etc/sysctl.d/README": "net.ipv4.tcp_retries2=8\n"},
	"byte order of names":           {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.d/B.conf": "net.ipv4.tcp_retries2=7\n", "etc/sysctl.d/a-b.conf": "net.ipv4.tcp_retries2=9\n"},
	"slashes":                       {"etc/sysctl.d/x.conf": "net/ipv4/tcp_retries2=6\n/net/ipv4/tcp_retries1=7\nnet//ipv4/tcp_fin_timeout=8\n"},
	"slashes against dots":          {"etc/sysctl.d/x.conf": "net.ipv4.tcp_retries2=6\nnet/ipv4/tcp_retries2=7\n"},
	"mixed separators":              {"etc/sysctl.d/x.conf": "net.ipv4/tcp_retries2=6\nnet/ipv4.tcp_retries1=7\n"},
	"dotted interface":              {"etc/sysctl.d/x.conf": "net.ipv4.conf.lo/100.rp_filter=2\n"},
	"dotted interface, slashes":     {"etc/sysctl.d/x.conf": "net/ipv4/conf/lo.100/rp_filter=2\n"},
	"dotted interface, wrong":       {"etc/sysctl.d/x.conf": "net.ipv4.conf.lo.100.rp_filter=2\n"},
	"failure ignored":               {"etc/sysctl.d/x.conf": "-net.ipv4.tcp_retries2=6\n- net.ipv4.tcp_retries1 = 7\n"},
	"pattern":                       {"etc/sysctl.d/x.conf": "net.ipv4.tcp_retries?=6\n"},
	"pattern and exclusion":         {"etc/sysctl.d/x.conf": "net.ipv4.tcp_retries*=6\n-net.ipv4.tcp_retries1\n"},
	"pattern and a line for one":    {"etc/sysctl.d/z.conf": "net.ipv4.tcp_retries*=6\n", "etc/sysctl.d/a.conf": "net.ipv4.tcp_retries1=7\n"},
	"pattern set again":             {"etc/sysctl.d/a.conf": "net.ipv4.tcp_ret*=6\nnet.ipv4.tcp_retr*=7\nnet.ipv4.tcp_ret*=6\n"},
	"pattern changed":               {"etc/sysctl.d/a.conf": "net.ipv4.tcp_ret*=6\nnet.ipv4.tcp_retr*=7\nnet.ipv4.tcp_ret*=8\n"},
	"pattern taken back":            {"etc/sysctl.d/a.conf": "net.ipv4.tcp_ret*=6\n-net.ipv4.tcp_ret*\n"},
	"pattern in a directory":        {"etc/sysctl.d/a.conf": "net.ipv4.conf.*.rp_filter=2\nnet.*.tcp_retries2=5\nnet.*=3\n"},
	"brackets":                      {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries[12]=6\nnet.ipv4.tcp_fin_timeou[!x]=9\n"},
	"open bracket":                  {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries[2=6\n"},
	"exclusion alone":               {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\n-net.ipv4.tcp_retries2\n"},
	"exclusion first":               {"etc/sysctl.d/a.conf": "-net.ipv4.tcp_retries2\nnet.ipv4.tcp_retries2=6\n"},
	"exclusion of another spelling": {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries*=6\n-net//ipv4/tcp_retries2\n"},
	"last value refused":            {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\nnet.ipv4.tcp_retries2=many\n"},
	"value out of range":            {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.d/b.conf": "net.ipv4.tcp_retries2=256\n"},
	"empty value":                   {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\nnet.ipv4.tcp_retries2=\nnet.ipv4.tcp_retries1 = \n"},
	"same value later":              {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.d/b.conf": "net.ipv4.tcp_retries2 = 6\n"},
	"hexadecimal and octal":         {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=0x0a\nnet.ipv4.tcp_retries1=010\nnet.ipv4.tcp_fin_timeout=08\n"},
	"comments":                      {"etc/sysctl.d/a.conf": "#net.ipv4.tcp_retries2=6\n ;net.ipv4.tcp_retries2=7\nnet.ipv4.tcp_retries1=5 # five\n"},
	"spaces":                        {"etc/sysctl.d/a.conf": "\t net.ipv4.tcp_retries2 \t=\t 6 \t\n\v\fnet.ipv4.tcp_retries1=7\n"},
	"carriage returns":              {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\r\nnet.ipv4.tcp_retries1=7\r\n"},
	"carriage returns alone":        {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\rnet.ipv4.tcp_retries1=7\r"},
	"NUL":                           {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6\x00net.ipv4.tcp_retries1=7\nnet.ipv4.tcp_fin_timeout=8\n"},
	"no end of line":                {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=6"},
	"continuation":                  {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2 = \\\n6\nnet.ipv4.tcp_retries1 = 7\\\n"},
	"byte order mark":               {"etc/sysctl.d/a.conf": "\ufeffnet.ipv4.tcp_retries2=6\nnet.ipv4.tcp_retries1=7\n"},
	"two signs":                     {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2 == 6\nnet.ipv4.tcp_retries1=7=8\n"},
	"no assignment":                 {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2 6\nnet.ipv4.tcp_retries1: 7\n[section]\n"},
	"parent directories":            {"etc/sysctl.d/a.conf": "net/ipv4/../ipv4/tcp_retries2=6\nnet/ipv4/./tcp_retries1=7\n"},
	"two numbers":                   {"etc/sysctl.d/a.conf": "net.ipv4.ip_local_port_range = 20000   30000\n"},
	"trailing slash":                {"etc/sysctl.d/a.conf": "net/ipv4/tcp_retries2/=6\n"},
	"quotes":                        {"etc/sysctl.d/a.conf": "net.ipv4.tcp_retries2=\"6\"\n"},
}

// judged are the settings that the trees are about.
var judged = []setting.Setting{
	named("tcp_retries1"), named("tcp_retries2"), named("tcp_fin_timeout"), named("ip_local_port_range"),
	{Name: "rp_filter", Dir: "net.ipv4.conf.lo/100", Max: 2, Default: 0},
}

// loaders are the real programs.
var loaders = map[sysctl.Loader][]string{
	sysctl.Systemd: {"/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"},
	sysctl.Procps:  {"/usr/sbin/sysctl", "/sbin/sysctl"},
}

// program finds a loader, and in a process with a user, a network and a mount namespace of its own.
func program(t *testing.T, l sysctl.Loader) string {
	t.Helper()
	for _, path := range loaders[l] {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	nstest.Missing(t, l.String())
	return ""
}

// privateFiles gives this process, which has a mount namespace of its own, empty directories in place of those that loaders read.
func privateFiles(t *testing.T) {
	t.Helper()
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	for _, dir := range []string{"/etc", "/run", "/usr/local", "/usr/lib/sysctl.d"} {
		if err == nil {
			err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "")
		}
	}
	if err != nil {
		t.Fatalf("no files of one's own: %v", err)
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "name", "lo.100").CombinedOutput(); err != nil {
		t.Fatalf("ip: %v %s", err, out)
	}
}

// empty empties the private directories.
func empty(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"/etc", "/run", "/usr/local", "/usr/lib/sysctl.d"} {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// agree holds what Of says of a tree against what the program does.
func agree(t *testing.T, l sysctl.Loader, program string, files tree) {
	t.Helper()
	empty(t)
	files.write(t, "/")
	boot, err := sysctl.ReadBoot("/")
	if err != nil {
		t.Fatal(err)
	}
	live, want, got := sysctl.New("/proc/sys"), map[string]string{}, map[string]string{}
	for _, s := range judged {
		untouched := "1"
		if s.Unit == setting.Ports {
			untouched = "10000\t10001"
		}
		if err := live.Set(s.Key(), untouched); err != nil {
			t.Fatal(err)
		}
		got[s.Name] = untouched
		if o := boot.Of(l, s); o.Winner != nil {
			got[s.Name] = o.Value
		}
	}
	cmd := exec.Command(program)
	if l == sysctl.Procps {
		cmd.Args = append(cmd.Args, "--system")
	}
	out, err := cmd.CombinedOutput() // failing is part of the job: a value may be refused
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, s := range judged {
		if want[s.Name], err = live.Get(s.Key()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-%s +closewait)\n%s\nfiles: %q\n%s", l, diff, files, out)
	}
}

// TestBoot_loaders lets the real programs apply awkward trees to a namespace of their own.
func TestBoot_loaders(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	privateFiles(t)
	for l := range loaders {
		path := program(t, l)
		for _, name := range slices.Sorted(maps.Keys(awkward)) {
			t.Run(l.String()+"/"+name, func(t *testing.T) { agree(t, l, path, awkward[name]) })
		}
	}
}

// TestBoot_random does so with trees put together at random, from a seed that is printed.
func TestBoot_random(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	privateFiles(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 60 {
		files := randomTree(random)
		for l := range loaders {
			agree(t, l, program(t, l), files)
		}
	}
}

func randomTree(r *rand.Rand) tree {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	files := tree{}
	for range 1 + r.IntN(4) {
		var text strings.Builder
		for range r.IntN(5) {
			key := pick("net.ipv4.tcp_retries2", "net/ipv4/tcp_retries2", "net.ipv4.tcp_retries*", "net.ipv4.tcp_retries?", "net.*.tcp_retries[1-2]", "net.ipv4.tcp_retries1", "net//ipv4/tcp_retries1", "net.ipv4.tcp_fin_timeout")
			fmt.Fprint(&text, pick("", "", " ", "\t", "#"), pick("", "", "-"), key, pick("=", " = ", "=\t", "", "=="), pick("2", "3", "4", "5", "300", "x", "", "6 # six"), pick("\n", "\n", "\r\n", " \n", "\n\n"))
		}
		name := pick("10-a", "50-b", "99-sysctl", "99-z", ".c") + ".conf"
		files[pick("etc", "run", "usr/lib", "usr/local/lib")+"/sysctl.d/"+name] = text.String()
	}
	if r.IntN(2) == 0 {
		files["etc/sysctl.conf"] = "net.ipv4.tcp_retries2=" + pick("7", "9", "many") + "\n"
	}
	if r.IntN(3) == 0 {
		delete(files, "etc/sysctl.d/99-sysctl.conf")
		files["etc/sysctl.d/99-sysctl.conf"] = pick("->../sysctl.conf", "->/dev/null")
	}
	return files
}

// TestBoot_files compares the files that are read, and their order, with systemd-sysctl --cat-config.
func TestBoot_files(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	privateFiles(t)
	path := program(t, sysctl.Systemd)
	title := regexp.MustCompile(`(?m)^# (/\S+\.conf)$`)
	for name, files := range awkward {
		empty(t)
		files.write(t, "/")
		boot, err := sysctl.ReadBoot("/")
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(path, "--cat-config", "--no-pager").Output()
		var want, got []string
		for _, m := range title.FindAllStringSubmatch(string(out), -1) {
			want = append(want, m[1])
		}
		for _, f := range boot.Order(sysctl.Systemd) {
			if f.Text != nil {
				got = append(got, f.Path)
			}
		}
		// It stops at the first file it cannot read, and prints titles of masked ones.
		if err == nil && !cmp.Equal(want, got) && !strings.HasPrefix(name, "masked") {
			t.Errorf("%s: read %q, --cat-config %q", name, got, want)
		}
	}
}

// TestReadBoot_root: links are followed below the root, and nothing is read outside.
func TestReadBoot_root(t *testing.T) {
	root := t.TempDir()
	tree{
		"etc/x": "net.ipv4.tcp_retries2=6\n", "etc/sysctl.d/a.conf": "->/etc/x", "etc/sysctl.d/b.conf": "->../../../../../../etc/x", "etc/sysctl.d/c.conf": "->c.conf",
		"lib": "->usr/lib", "usr/lib/sysctl.d/z.conf": "net.ipv4.tcp_retries1=4\n",
	}.write(t, root)
	if err := syscall.Mkfifo(root+"/etc/sysctl.d/d.conf", 0o644); err != nil {
		t.Fatal(err)
	}
	boot, err := sysctl.ReadBoot(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range boot.Order(sysctl.Systemd) {
		got = append(got, f.Path+": "+string(f.Text))
	}
	want := []string{
		"/etc/sysctl.d/a.conf: net.ipv4.tcp_retries2=6\n", "/etc/sysctl.d/b.conf: net.ipv4.tcp_retries2=6\n", "/etc/sysctl.d/c.conf: ", "/etc/sysctl.d/d.conf: ",
		"/usr/lib/sysctl.d/z.conf: net.ipv4.tcp_retries1=4\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if boot.Conf != nil {
		t.Errorf("there is no %s: %v", sysctl.Conf, boot.Conf)
	}
	if _, err := sysctl.ReadBoot(root + "/nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a root that does not exist: %v", err)
	}
}
