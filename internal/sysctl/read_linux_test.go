package sysctl_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/internal/sysctl"
)

func fixture(t *testing.T, files map[string]string) sysctl.FS {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return sysctl.New(root)
}

func TestGet(t *testing.T) {
	long := strings.Repeat("1234567 ", 1000)
	s := fixture(t, map[string]string{
		"net/ipv4/tcp_retries2":            "15\n",
		"net/ipv4/conf/eth0.100/rp_filter": "2\n",
		"net/ipv4/tcp_rmem":                "4096\t131072\t6291456\n",
		"net/ipv4/empty":                   "",
		"net/ipv4/long":                    long + "\n",
		"net/ipv4/exactly_64":              strings.Repeat("x", 64),
	})
	for key, want := range map[string]string{
		"net.ipv4.tcp_retries2":            "15",
		"net.ipv4.conf.eth0/100.rp_filter": "2",
		"net/ipv4/conf/eth0.100/rp_filter": "2",
		"net.ipv4.tcp_rmem":                "4096\t131072\t6291456",
		"net.ipv4.empty":                   "",
		"net.ipv4.long":                    long,
		"net.ipv4.exactly_64":              strings.Repeat("x", 64),
	} {
		if got, err := s.Get(key); err != nil || got != want {
			t.Errorf("Get(%q) = %q, %v; want %q", key, got, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	s := fixture(t, map[string]string{"net/ipv4/tcp_rmem": "4096\t131072\t6291456\n"})
	for key, want := range map[string]error{
		"net.ipv4.nothing":  fs.ErrNotExist,
		"net.ipv4.tcp_rmem": fs.ErrInvalid,
		"../etc/passwd":     fs.ErrInvalid,
	} {
		_, err := s.Int(key)
		var op *sysctl.OpError
		if !errors.Is(err, want) || !errors.As(err, &op) || op.Key != key {
			t.Errorf("Int(%q): %v; want an OpError of that key that is %v", key, err, want)
		}
	}
	_, err := s.Int("net.ipv4.tcp_rmem")
	if want := `parse "net.ipv4.tcp_rmem": invalid argument: "4096\t131072\t6291456" is not a number`; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
	if _, err := s.Get("net.ipv4"); err == nil {
		t.Error("a directory has no value")
	}
}

func TestReadTCP_absentStaysAbsent(t *testing.T) {
	s := fixture(t, map[string]string{
		"net/ipv4/tcp_retries2": "8\n", "net/ipv4/tcp_fin_timeout": "-1\n", "net/ipv4/tcp_retries1": "many\n", "net/ipv4/tcp_sack": "1\n",
	})
	want := map[string]int64{"tcp_retries2": 8, "tcp_fin_timeout": -1}
	if diff := cmp.Diff(want, s.ReadTCP()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestReadTCP_kernel reads the running kernel: what the namespace has must be what the catalogue says can be there.
func TestReadTCP_kernel(t *testing.T) {
	s := sysctl.New("/proc/sys")
	values := s.ReadTCP()
	if len(values) == 0 {
		t.Skip("no net.ipv4 settings in this namespace")
	}
	for _, set := range setting.TCP() {
		_, err := s.Get(set.Key())
		n, ok := values[set.Name]
		if ok != (err == nil) {
			t.Errorf("%s: read %v, but %v", set.Name, ok, err)
		}
		if ok && (n < set.Min || n > set.Max) {
			t.Errorf("%s = %d is not within %d and %d", set.Name, n, set.Min, set.Max)
		}
		if !ok && set.Since == "" && set.Scope == setting.PerNetns {
			t.Errorf("%s: every namespace should have it: %v", set.Name, err)
		}
	}
}

func BenchmarkReadTCP(b *testing.B) {
	s := sysctl.New("/proc/sys")
	b.ReportAllocs()
	for b.Loop() {
		s.ReadTCP()
	}
}
