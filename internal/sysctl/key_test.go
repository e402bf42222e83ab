package sysctl_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/internal/sysctl"
)

func TestPath(t *testing.T) {
	for key, want := range map[string]string{
		"net.ipv4.tcp_retries2":            "net/ipv4/tcp_retries2",
		"net/ipv4/tcp_retries2":            "net/ipv4/tcp_retries2",
		"net.ipv4.conf.eth0/100.rp_filter": "net/ipv4/conf/eth0.100/rp_filter",
		"net/ipv4/conf/eth0.100/rp_filter": "net/ipv4/conf/eth0.100/rp_filter",
		"net/ipv4.conf":                    "net/ipv4.conf",
		"kernel":                           "kernel",
		"":                                 "",
		".":                                "",
		"..":                               "",
		"/":                                "",
		"/net/ipv4":                        "",
		"net..ipv4":                        "",
		"net.ipv4.":                        "",
		"net/../../etc/passwd":             "",
		"net.//.//.etc.passwd":             "",
		"net.ipv4./.tcp_retries2":          "",
		"net.ipv4.tcp_retries2\x00":        "",
	} {
		got, err := sysctl.Path(key)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("Path(%q) = %q, %v; want %q", key, got, err, want)
		}
		if err != nil && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Path(%q): %v is not fs.ErrInvalid", key, err)
		}
	}
}

func FuzzPath(f *testing.F) {
	seeds := []string{"net.ipv4.tcp_retries2", "net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter", "net.//.//.etc", "../x", "a/./b"}
	for _, s := range setting.TCP() {
		seeds = append(seeds, s.Key())
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		path, err := sysctl.Path(key)
		if err != nil {
			return
		}
		for part := range strings.SplitSeq(path, "/") {
			if part == "" || part == "." || part == ".." {
				t.Fatalf("Path(%q) = %q leads elsewhere", key, path)
			}
		}
		again, err := sysctl.Path(sysctl.Key(path))
		if err != nil || again != path {
			t.Fatalf("Path(Key(%q)) = %q, %v", path, again, err)
		}
	})
}
