package forecast_test

import (
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

func TestParseChange(t *testing.T) {
	for _, test := range []struct {
		text, want string
		reach      forecast.Reach
	}{
		{"tcp_retries2=8", "tcp_retries2=8", forecast.AllSockets},
		{"net.ipv4.tcp_orphan_retries=3", "tcp_orphan_retries=3", forecast.AllSockets},
		{"tcp_rto_max_ms=10s", "tcp_rto_max_ms=10000", forecast.NewSockets},
		{"user_timeout=30s", "user_timeout=30000", forecast.OneSocket},
		{"tcp_keepalive_intvl=75", "tcp_keepalive_intvl=75", forecast.UnsetSockets},
		{"keepalive_probes=9", "keepalive_probes=9", forecast.OneSocket},
	} {
		c, err := forecast.ParseChange(test.text)
		if err != nil || c.String() != test.want || c.Reach() != test.reach || c.Reach().String() == "" {
			t.Errorf("%s: %v, %v, %v", test.text, c, c.Reach(), err)
		}
	}
	for _, text := range []string{"tcp_retries2", "tcp_retries2=", "tcp_retries2=-1", "tcp_rto_max_ms=10", "tcp_sack=1", "tcp_retries2=8s"} {
		if c, err := forecast.ParseChange(text); err == nil {
			t.Errorf("%q is taken for %v", text, c)
		}
	}
}

// TestModel_If: a change is felt when the running timer fires, not before.
func TestModel_If(t *testing.T) {
	m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}}
	s := dying(1, 204, 10)
	s.Timer.Expires = 50 * time.Second
	s.Info.Put(tcp.LastDataSent, 70_000)
	now := m.Ends(&s)
	for _, text := range []string{"tcp_retries2=3", "user_timeout=1s", "rto_max=1s"} {
		c, err := forecast.ParseChange(text)
		if err != nil {
			t.Fatal(err)
		}
		changed := m.If(c)
		got := changed.Ends(&s)
		if got.Best < 50*time.Second || got.Best > 53*time.Second || got.Best >= now.Best {
			t.Errorf("%s: %+v", text, got)
		}
	}
	same := m.If(forecast.Change{Key: "tcp_rto_max_ms", Value: 1000})
	if got := same.Ends(&s); got != now {
		t.Errorf("tcp_rto_max_ms reached a running socket: %+v, before %+v", got, now)
	}
	if m.Limits.Retries2.Value != 15 || m.Options.UserTimeout.Known {
		t.Error("the model itself was changed")
	}
}

// TestModel_If_keepalive: keepalive that is switched on makes an end possible where no timer runs, after its first probe and not before; switched off, it takes it away.
func TestModel_If_keepalive(t *testing.T) {
	m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}}
	on := m.If(forecast.Change{Key: "keepalive", Value: 1}, forecast.Change{Key: "keepalive_time", Value: 60})
	off := m.If(forecast.Change{Key: "keepalive", Value: 0})
	for _, state := range []tcp.State{tcp.Established, tcp.CloseWait, tcp.FinWait2} {
		idle := tcp.Socket{State: state, Inode: 5}
		if was, got := m.Ends(&idle), on.Ends(&idle); was.Kind != forecast.Never || got.Kind != forecast.Unknown || got.By != forecast.ByKeepalive || got.Earliest != time.Minute {
			t.Errorf("%v: %+v, with keepalive %+v", state, was, got)
		}
		probing := idle
		probing.Timer = tcp.Timer{Kind: tcp.TimerKeepalive, Expires: time.Hour}
		probing.Info.Put(tcp.LastDataRecv, 20_000)
		probing.Info.Put(tcp.LastAckRecv, 20_000)
		if got := on.Ends(&probing); got.Kind != forecast.Unknown || got.Earliest != 40*time.Second { // what has passed counts
			t.Errorf("%v with keepalive already: %+v", state, got)
		}
		if got := off.Ends(&probing); got.Kind != forecast.Never {
			t.Errorf("%v without keepalive: %+v", state, got)
		}
		forgotten := on.Options
		forgotten.PeerForgot = true
		if got := on.EndsKnowing(&idle, &forgotten); got.Kind != forecast.At || got.Earliest < 59*time.Second || got.Latest > 70*time.Second {
			t.Errorf("%v whose peer has forgotten it: %+v", state, got)
		}
	}
	for _, other := range []tcp.Socket{{State: tcp.Listen, Inode: 5}, {State: tcp.FinWait2}} {
		if was, got := m.Ends(&other), on.Ends(&other); got != was {
			t.Errorf("%v: %+v, with keepalive %+v", other.State, was, got)
		}
	}
}

func TestLimitsOf(t *testing.T) {
	l := forecast.LimitsOf(map[string]int64{"tcp_retries2": 8, "tcp_rto_max_ms": 30_000, "tcp_fin_timeout": 60, "tcp_thin_linear_timeouts": 1})
	if l.Retries2 != forecast.Is[int64](8) || l.RTOMax.Value != 30*time.Second || l.FinTimeout.Value != time.Minute || !l.ThinLinear.Value || l.OrphanRetries.Known {
		t.Errorf("%+v", l)
	}
}

func TestKernelOf(t *testing.T) {
	if forecast.KernelOf("6.18.44-generic") == (forecast.Kernel{}) || forecast.KernelOf("6.18.44-generic") != forecast.KernelOf("6.18.0") {
		t.Error("6.18.44-generic is not read")
	}
	for _, text := range []string{"", "6", "linux", "6.x", "x.6", "999.1"} {
		if forecast.KernelOf(text) != (forecast.Kernel{}) {
			t.Errorf("%q is read", text)
		}
	}
}

// TestModel_old_kernel: before 4.19 the last time-out is not cut short, so that TCP_USER_TIMEOUT acts at the next firing of the grid.
func TestModel_old_kernel(t *testing.T) {
	s := dying(1, 204, 4)
	raw := s.Info.Bytes()[:192] // all of struct tcp_info in 4.17
	raw[0] = byte(tcp.CloseWait)
	s.Info = tcp.MakeInfo(raw)
	m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}, Options: forecast.Options{UserTimeout: forecast.Is(10 * time.Second)}}
	old := m.Ends(&s)
	m.Kernel = forecast.KernelOf("6.18.0")
	if again := m.Ends(&s); again != old {
		t.Errorf("the release counts more than what the kernel reports: %+v", again)
	}
	newer := dying(1, 204, 4)
	clamped := m.Ends(&newer)
	if old.Best <= clamped.Best {
		t.Errorf("old kernel %v, new %v", old.Best, clamped.Best)
	}
}
