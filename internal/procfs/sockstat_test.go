package procfs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/procfs"
)

const (
	sockstat = `sockets: used 13
TCP: inuse 1 orphan 0 tw 7 alloc 2 mem 3
UDP: inuse 0 mem 0
UDPLITE: inuse 0
RAW: inuse 0
FRAG: inuse 0 memory 0
`
	sockstat6 = `TCP6: inuse 4
UDP6: inuse 0
UDPLITE6: inuse 0
RAW6: inuse 0
FRAG6: inuse 0 memory 0
`
)

func count(n int64) procfs.Count { return procfs.Count{N: n, Reported: true} }

func TestParseSockstat(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       procfs.Sockstat
	}{
		{"both", sockstat + sockstat6, procfs.Sockstat{
			InUse: count(1), InUse6: count(4), Orphans: count(0), TimeWait: count(7), Allocated: count(2), MemoryPages: count(3),
		}},
		{"ipv6-only", sockstat6, procfs.Sockstat{InUse6: count(4)}},
		{"nothing", "", procfs.Sockstat{}},
		{"cut", "TCP: inuse 1 orphan", procfs.Sockstat{InUse: count(1)}},
		{"no-number", "TCP: inuse many tw 1 new 5\n", procfs.Sockstat{TimeWait: count(1)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := procfs.ParseSockstat(strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzParseSockstat(f *testing.F) {
	f.Add(sockstat, int64(5))
	f.Add(sockstat6, int64(0))
	f.Fuzz(func(t *testing.T, text string, n int64) {
		_, _ = procfs.ParseSockstat(strings.NewReader(text))
		got, err := procfs.ParseSockstat(strings.NewReader(fmt.Sprintf("TCP: inuse %d orphan 0 tw 0 alloc %d mem 0\n", n, n)))
		if err != nil || got.InUse != count(n) || got.Allocated != count(n) || got.InUse6.Reported {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
