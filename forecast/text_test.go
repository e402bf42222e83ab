package forecast_test

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// TestModel_rough: where a text has rounded the rest of a timer, that it seems to be short by as much is no sign that anything cut it.
func TestModel_rough(t *testing.T) {
	s := tcp.Socket{State: tcp.CloseWait, Inode: 7, SendQueue: 1000, Timer: timer(tcp.TimerRetransmit, 6, 12*time.Second+500*time.Millisecond)}
	for f, value := range map[tcp.Field]uint64{tcp.Retransmits: 6, tcp.Backoff: 6, tcp.RTO: 13_056_000, tcp.LastDataSent: 60, tcp.Unacked: 1, tcp.SndWnd: 65536, tcp.RTT: 20, tcp.RTTVar: 10} {
		s.Info.Put(f, value)
	}
	for rough, want := range map[time.Duration]string{0: forecast.ByUserTimeout, 500 * time.Millisecond: forecast.ByRetransmission} {
		m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}, Assumed: true, Rough: rough}
		if got := m.Ends(&s); got.Kind != forecast.At || got.By != want {
			t.Errorf("rough by %v: %+v", rough, got)
		}
	}
}

// TestModel_unshown: that a text shows no timers is not laid at the kernel's door.
func TestModel_unshown(t *testing.T) {
	s := tcp.Socket{State: tcp.CloseWait, Inode: 7, SendQueue: 1000, Timer: timer(255, 0, 0)}
	for assumed, want := range map[bool]string{false: "the kernel reports", true: "the text does not show"} {
		m := forecast.Model{Limits: forecast.Defaults(), Assumed: assumed}
		if got := m.Ends(&s); got.Kind != forecast.Unknown || !strings.HasPrefix(got.Reason, want) {
			t.Errorf("from a text %v: %+v", assumed, got)
		}
	}
}

// TestModel_unknownBackoff: /proc/net/tcp tells neither the back-off of probes nor how many were answered before.
func TestModel_unknownBackoff(t *testing.T) {
	s := tcp.Socket{State: tcp.CloseWait, Inode: 7, SendQueue: 1000, Timer: timer(tcp.TimerPersist, 5, 3800*time.Millisecond)}
	s.Info.Put(tcp.RTO, 200_000)
	m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}, Assumed: true}
	unanswered := 3.8 + 12.8 + 25.6 + 51.2 + 102.4 + 6*120 // if it never answered
	answered := 3.8 + 10*120                               // if it did, for long
	if got := m.Ends(&s); got.Kind != forecast.At || got.Best.Seconds() < unanswered*0.98 || got.Best.Seconds() > unanswered*1.1 || got.Latest.Seconds() < answered {
		t.Errorf("%+v, want %v s, up to %v s", got, unanswered, answered)
	}
}
