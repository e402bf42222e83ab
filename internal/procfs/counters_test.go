package procfs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/procfs"
)

const netstat = `TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPTimeouts
TcpExt: 0 12 13 99
IpExt: InNoRoutes InOctets
IpExt: 0 104393875
Tcp: RtoAlgorithm MaxConn CurrEstab
Tcp: 1 -1 17
`

func TestParseCounters(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       map[string]int64
	}{
		{"recorded", netstat, map[string]int64{
			"TcpExt.SyncookiesSent": 0, "TcpExt.ListenOverflows": 12, "TcpExt.ListenDrops": 13, "TcpExt.TCPTimeouts": 99,
			"IpExt.InNoRoutes": 0, "IpExt.InOctets": 104393875, "Tcp.RtoAlgorithm": 1, "Tcp.MaxConn": -1, "Tcp.CurrEstab": 17,
		}},
		{"empty", "", map[string]int64{}},
		{"lengths-differ", "A: x y\nA: 1\nB: z\nB: 2\n", map[string]int64{"B.z": 2}},
		{"line-missing", "A: x\nB: z\nB: 2\n\nC: w\n", map[string]int64{"B.z": 2}},
		{"no-colon", "A x\nA 1\n", map[string]int64{}},
		{"not-a-number", "A: x y\nA: 99999999999999999999 2\n", map[string]int64{"A.y": 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := procfs.ParseCounters(strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzParseCounters(f *testing.F) {
	f.Add(netstat)
	f.Add("A: x\nB: z\nB: 2\n\nC: w\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := procfs.ParseCounters(strings.NewReader(text))
		if err != nil {
			return
		}
		var again strings.Builder
		for key, n := range got {
			group, name, _ := strings.Cut(key, ".")
			if strings.Contains(group, ".") || strings.Contains(name, ".") {
				return // cannot be told apart again; the kernel has no such names
			}
			fmt.Fprintf(&again, "%s: %s\n%s: %d\n", group, name, group, n)
		}
		second, err := procfs.ParseCounters(strings.NewReader(again.String()))
		if diff := cmp.Diff(got, second); err != nil || diff != "" {
			t.Fatalf("%v (-first +second)\n%s", err, diff)
		}
	})
}
