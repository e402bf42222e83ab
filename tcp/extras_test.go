package tcp_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/tcp"
)

// TestExtras: what is kept stays as it was, and what is the same is kept once.
func TestExtras(t *testing.T) {
	if new(tcp.Extras).Keep(nil) != nil {
		t.Error("nothing is kept as something")
	}
	rapid.Check(t, func(t *rapid.T) {
		var k tcp.Extras
		var at tcp.Extra
		kept := map[tcp.Extra]*tcp.Extra{}
		for range rapid.IntRange(1, 30).Draw(t, "sockets") {
			at = tcp.Extra{Mark: rapid.Uint32Range(0, 2).Draw(t, "mark"), CgroupID: rapid.Uint64Range(0, 2).Draw(t, "cgroup")}
			got := k.Keep(&at)
			if got == &at || *got != at || kept[at] != nil && kept[at] != got {
				t.Fatalf("%p %+v is kept as %p %+v", &at, at, got, *got)
			}
			kept[at] = got
		}
		for want, got := range kept {
			if *got != want {
				t.Fatalf("%+v became %+v", want, *got)
			}
		}
	})
	var k tcp.Extras
	for i := range uint32(10_000) { // more than are looked for
		if got := k.Keep(&tcp.Extra{Mark: i}); got.Mark != i {
			t.Fatalf("%d is kept as %d", i, got.Mark)
		}
	}
}

func TestSocket_Clone(t *testing.T) {
	s := tcp.Socket{Extra: &tcp.Extra{Mark: 1}}
	c := s.Clone()
	s.Mark = 2
	if c.Mark != 1 {
		t.Errorf("the clone has mark %d", c.Mark)
	}
}
