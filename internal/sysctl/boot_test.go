package sysctl_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/sysctl"
)

func file(path, text string) sysctl.File { return sysctl.File{Path: path, Text: []byte(text)} }

// TestOf_lines: the answer names the lines, the one that wins and the ones that lose, with their numbers.
func TestOf_lines(t *testing.T) {
	boot := sysctl.Boot{
		Files: []sysctl.File{
			file("/etc/sysctl.d/90-closewait.conf", "# ours\nnet.ipv4.tcp_retries2 = 8\n"),
			file("/etc/sysctl.d/60-net.conf", "\n\nnet.ipv4.tcp_retries2=5\nnet.ipv4.tcp_retries*=3\n"),
			file("/usr/lib/sysctl.d/60-net.conf", "net.ipv4.tcp_retries2=4\n"),
		},
		Conf: &sysctl.File{Path: sysctl.Conf, Text: []byte("net/ipv4/tcp_retries2 = 15\r\n")},
	}
	sixty := look.BootLine{File: "/etc/sysctl.d/60-net.conf", Number: 3, Value: "5"}
	pattern := look.BootLine{File: "/etc/sysctl.d/60-net.conf", Number: 4, Value: "3", Pattern: true}
	ninety := look.BootLine{File: "/etc/sysctl.d/90-closewait.conf", Number: 2, Value: "8"}
	conf := look.BootLine{File: sysctl.Conf, Number: 1, Value: "15"}
	for l, want := range map[sysctl.Loader]look.BootValue{
		sysctl.Systemd: {Winner: &ninety, Value: "8", Others: []look.BootLine{sixty, pattern}},
		sysctl.Procps:  {Winner: &conf, Value: "15", Others: []look.BootLine{sixty, pattern, ninety}},
	} {
		want.Key, want.Default = "net.ipv4.tcp_retries2", "15"
		got := boot.Of(l, named("tcp_retries2"))
		slices.SortFunc(got.Others, func(a, b look.BootLine) int { return cmp.Or(strings.Compare(a.File, b.File), a.Number-b.Number) })
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", l, diff)
		}
	}
}

func TestOf_unread(t *testing.T) {
	boot := sysctl.Boot{Files: []sysctl.File{file("/etc/sysctl.d/a.conf", "net.ipv4.tcp_retries2=8\n"), {Path: "/etc/sysctl.d/b.conf", Err: errors.New("secret")}}}
	for _, l := range []sysctl.Loader{sysctl.Systemd, sysctl.Procps} {
		got := boot.Of(l, named("tcp_retries2"))
		if got.Winner == nil || !slices.Equal(got.Unread, []string{"/etc/sysctl.d/b.conf"}) {
			t.Errorf("%s: %+v", l, got)
		}
	}
}

// FuzzOf: whatever stands in the files, a value that wins is one that the setting takes, and stands where it is said to.
func FuzzOf(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(awkward)) {
		var texts [3]string
		for i, path := range slices.Sorted(maps.Keys(awkward[name])) {
			texts[i%len(texts)] = awkward[name][path]
		}
		f.Add(texts[0], texts[1], texts[2], name == "nothing")
	}
	f.Fuzz(func(t *testing.T, first, second, last string, unread bool) {
		boot := sysctl.Boot{Files: []sysctl.File{file("/etc/sysctl.d/b.conf", second), file("/etc/sysctl.d/a.conf", first)}, Conf: &sysctl.File{Path: sysctl.Conf, Text: []byte(last)}}
		texts := map[string]string{"/etc/sysctl.d/a.conf": first, "/etc/sysctl.d/b.conf": second, sysctl.Conf: last}
		if unread {
			boot.Files = append(boot.Files, sysctl.File{Path: "/etc/sysctl.d/c.conf", Err: errors.New("secret")})
		}
		for _, l := range []sysctl.Loader{sysctl.Systemd, sysctl.Procps} {
			for _, s := range judged {
				o := boot.Of(l, s)
				if unread != (len(o.Unread) > 0) {
					t.Fatalf("%s, %s: %q are unread", l, s.Name, o.Unread)
				}
				if o.Winner == nil {
					if o.Value != "" {
						t.Fatalf("%s, %s: the value %q without a line", l, s.Name, o.Value)
					}
					continue
				}
				text := texts[o.Winner.File]
				if shown, err := s.Parse(o.Winner.Value); err != nil || shown != o.Value || !strings.Contains(text, o.Winner.Value) {
					t.Fatalf("%s, %s: %+v, but Parse says %q, %v", l, s.Name, o, shown, err)
				}
				if o.Winner.Number < 1 || o.Winner.Number > len(text)+1 {
					t.Fatalf("%s, %s: line %d of %d bytes", l, s.Name, o.Winner.Number, len(text))
				}
			}
		}
	})
}
