package host_test

import (
	"context"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// TestLook_impatient: a second look that is wanted later than there is time for is taken before the time is up.
func TestLook_impatient(t *testing.T) {
	nstest.Require(t)
	ns := nstest.New(t)
	ns.Do(func() { nstest.StartHolder(t, 2) })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	s, later, err := host.New(time.Now).Look(ctx, host.Request{
		Netns:     []string{ns.Path()},
		Undecided: func(_ *look.Snapshot, s *tcp.Socket) bool { return s.State == tcp.CloseWait },
		Inquire:   func(*look.Snapshot) look.Wish { return look.Wish{Patience: time.Hour} },
	})
	if err != nil || len(later) != 2 || len(s.Missing) != 0 {
		t.Errorf("%d sockets seen twice, missing %v, %v; want both", len(later), s.Missing, err)
	}
}
