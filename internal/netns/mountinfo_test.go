package netns_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/netns"
)

// recorded has lines of real hosts: with and without optional fields, and with mounts that only resemble what is sought.
const recorded = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,resv_strict,resuid=65534,resgid=65534
42 27 0:4 net:[4026532164] /run/netns/blue rw shared:22 - nsfs nsfs rw
43 27 0:4 net:[4026532164] /run/netns/blue rw shared:22 master:3 propagate_from:2 - nsfs nsfs rw
44 27 0:4 mnt:[4026532165] /run/snapd/ns/lxd.mnt rw - nsfs nsfs rw
45 27 0:4 net:[4026532300] /run/docker/netns/1-u0kq3m rw - nsfs nsfs rw
46 27 0:4 net:[4026532301] /run/netns/with\040space\134and\011more rw - nsfs nsfs rw
47 27 0:4 net:[4026532302] /mnt/false rw - tmpfs nsfs rw
48 27 0:4 net:[x] /mnt/x rw - nsfs nsfs rw
49 27 0:4 / /mnt/- rw - ext4 nsfs rw
- nsfs
`

func TestParseMounts(t *testing.T) {
	got, err := netns.ParseMounts(strings.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	want := []netns.Mount{
		{Inode: 4026532164, Path: "/run/netns/blue"},
		{Inode: 4026532164, Path: "/run/netns/blue"},
		{Inode: 4026532300, Path: "/run/docker/netns/1-u0kq3m"},
		{Inode: 4026532301, Path: "/run/netns/with space\\and\tmore"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzParseMounts(f *testing.F) {
	seeds := 0
	for line := range strings.Lines(recorded) {
		f.Add(line)
		seeds++
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, _ := netns.ParseMounts(strings.NewReader(text))
		if len(list) > strings.Count(text, "nsfs") {
			t.Fatalf("%d mounts in %q", len(list), text)
		}
		// What was read can be written as the kernel would, and is then read again.
		for _, m := range list {
			line := "1 1 0:4 net:[" + formatInode(m.Inode) + "] " + escape(m.Path) + " rw shared:1 - nsfs nsfs rw\n"
			again, err := netns.ParseMounts(strings.NewReader(line))
			if len(line) < 1<<16 && (err != nil || len(again) != 1 || again[0] != m) {
				t.Fatalf("%q was read as %v, %v, want %v", line, again, err, m)
			}
		}
	})
}

// escape is mangle_path of the kernel.
func escape(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, "\r", `\015`, `\`, `\134`, "#", `\043`).Replace(s)
}

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`/run/netns/a\040b`, `\134`, `\`, `\04`, `\400`, `\777`, `\08x`, "/plain"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := netns.Unescape(escape(s)); got != s {
			t.Fatalf("%q became %q", s, got)
		}
		if got := netns.Unescape(s); len(got) > len(s) {
			t.Fatalf("%q grew to %q", s, got)
		}
	})
}
