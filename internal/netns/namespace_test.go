package netns_test

import (
	"strconv"
	"testing"

	"github.com/closewait/closewait/internal/netns"
)

func formatInode(n uint64) string { return strconv.FormatUint(n, 10) }

func TestParseLink(t *testing.T) {
	for link, want := range map[string]uint64{
		"net:[4026531840]":           4026531840,
		"net:[18446744073709551615]": 18446744073709551615,
		"net:[18446744073709551616]": 0,
		"net:[]":                     0,
		"net:[+1]":                   0,
		"net:[1":                     0,
		"net:[":                      0,
		"mnt:[4026531841]":           0,
		"/run/netns/blue":            0,
		"":                           0,
	} {
		if got, ok := netns.ParseLink([]byte(link)); got != want && ok || ok != (want != 0) {
			t.Errorf("%q: %d, %v; want %d", link, got, ok, want)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	for _, s := range []string{"net:[4026531833]", "net:[4026532164]", "mnt:[4026531832]", "net:[]", "net:["} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, link []byte) {
		n, ok := netns.ParseLink(link)
		if !ok {
			return
		}
		if again, ok := netns.ParseLink([]byte("net:[" + formatInode(n) + "]")); !ok || again != n {
			t.Fatalf("%q: %d, again %d", link, n, again)
		}
	})
}

const (
	kthreaddStat = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
	catStat      = "5417 (cat) R 5407 5407 3561 0 -1 4194304 104 0 0 0 0 0 0 0 20 0 1 0 100027 3133440 418 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n"
	trickStat    = "7 (a) S 0 0 0 0 -1 2129984) R 1 7 7 0 -1 4194304 104 0\n"
)

func TestParseKernelThread(t *testing.T) {
	for stat, want := range map[string]bool{kthreaddStat: true, catStat: false, trickStat: false, "": false, "1 (x": false, "1 (x) S": false} {
		if got := netns.ParseKernelThread([]byte(stat)); got != want {
			t.Errorf("%q: %v", stat, got)
		}
	}
}

func FuzzParseKernelThread(f *testing.F) {
	for _, s := range []string{kthreaddStat, catStat, trickStat} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stat []byte) {
		// A name that says it is a kernel thread does not make one.
		if named := append(append([]byte("1 ("), stat...), ") R 1 1 1 0 -1 4194304 0\n"...); netns.ParseKernelThread(named) {
			t.Fatalf("%q", named)
		}
		netns.ParseKernelThread(stat)
	})
}
