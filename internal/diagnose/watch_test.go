package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
)

// TestTakenInHand: one-shot interest that has fired and was not renewed says that a thread has the connection in hand, which nothing else may show.
func TestTakenInHand(t *testing.T) {
	const once = 1 << 30
	for name, test := range map[string]struct {
		events uint32
		want   string
	}{
		"one-shot, fired": {once, "CW101"}, "and edge-triggered": {once | look.PollEdge, "CW101"}, "one-shot, for room": {once | look.PollOut, "CW102"}, "dropped": {0x18, "CW102"},
	} {
		now := snapshot(client(1, time.Minute, 83, 1), listening(0, 128))
		a := busyWith(now, in(ours, look.CallPoll, "epoll_wait", 30, 0), parked(2), parked(3))
		watching(a, 30, 0, 1)
		a.Epolls[0].Watches[0].Events = test.events
		f := only(t, Run(now, nil))
		if said := strings.Contains(strings.Join(f.Evidence, "\n"), "threads have taken them in hand"); f.Code != test.want || f.Code == "CW101" && (f.Unanswered == nil || *f.Unanswered != 1) || said && f.Code == "CW102" {
			t.Errorf("%s: %s %v", name, f.Code, f.Evidence)
		}
	}
}
