package forecast_test

import (
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// kinds are sockets of every kind of answer.
func kinds() map[string]tcp.Socket {
	retransmit := dying(1, 204, 13)
	persist := tcp.Socket{State: tcp.CloseWait, Inode: 1, Timer: tcp.Timer{Kind: tcp.TimerPersist, Count: 2, Expires: 500 * time.Millisecond}}
	persist.Info.Put(tcp.Probes, 2)
	persist.Info.Put(tcp.Backoff, 2)
	persist.Info.Put(tcp.RTO, 204_000)
	persist.Info.Put(tcp.SndWnd, 0)
	orphan := dying(1, 204, 4)
	orphan.Inode, orphan.State = 0, tcp.LastAck
	orphanPersist := persist
	orphanPersist.Inode, orphanPersist.State = 0, tcp.FinWait1
	fresh := dying(1, 204, 0)
	negotiateSACK(&fresh)
	shrunk := dying(1, 204, 0)
	shrunk.Info.Put(tcp.Backoff, 3)
	shrunk.Info.Put(tcp.SndWnd, 0)
	shrunk.Info.Put(tcp.LastAckRecv, 2000)
	syn := dying(1, 1000, 2)
	syn.State = tcp.SynSent
	unreachable := dying(1, 204, 5)
	unreachable.Info.Put(tcp.Backoff, 3)
	return map[string]tcp.Socket{
		"idle": {State: tcp.CloseWait, Inode: 1}, "retransmit": retransmit, "persist": persist, "orphan": orphan, "orphan_persist": orphanPersist, "fresh": fresh,
		"shrunk": shrunk, "syn": syn, "unreachable": unreachable,
		"pasted":    {State: tcp.CloseWait, Inode: 1, Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: 13, Expires: 110840 * time.Millisecond}},
		"keepalive": {State: tcp.CloseWait, Inode: 1, Timer: tcp.Timer{Kind: tcp.TimerKeepalive, Count: 3, Expires: 60 * time.Second}},
		"time_wait": {State: tcp.TimeWait, Timer: tcp.Timer{Kind: tcp.TimerTimeWait, Expires: 30 * time.Second}},
		"fin_wait":  {State: tcp.FinWait2, Timer: tcp.Timer{Kind: tcp.TimerKeepalive, Expires: 30 * time.Second}},
		"request":   {State: tcp.SynReceived, Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: 1, Expires: time.Second}},
	}
}

// dying is a CLOSE_WAIT socket after some time-outs, the last of them just now.
func dying(unacked uint64, baseMS, retransmits int) tcp.Socket {
	rto := min(baseMS<<retransmits, 120_000)
	s := tcp.Socket{State: tcp.CloseWait, Inode: 1, SendQueue: 100, Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: uint8(retransmits), Expires: time.Duration(rto) * time.Millisecond}}
	elapsed := 0
	for i := 1; i < retransmits; i++ {
		elapsed += min(baseMS<<i, 120_000) * 33 / 32
	}
	put := s.Info.Put
	put(tcp.CAState, 0)
	put(tcp.Retransmits, uint64(retransmits))
	put(tcp.Backoff, uint64(retransmits))
	put(tcp.RTO, uint64(rto)*1000)
	put(tcp.Unacked, unacked)
	put(tcp.RTT, 500)
	put(tcp.SndWnd, 65535)
	put(tcp.TotalRTORecoveries, 1)
	put(tcp.TotalRTOTime, uint64(elapsed))
	return s
}

// negotiateSACK sets TCPI_OPT_SACK among tcpi_options, which is no field of its own: in the form for files it stands behind eight bytes that say what is known.
func negotiateSACK(s *tcp.Socket) {
	b, err := s.Info.MarshalBinary()
	if err == nil {
		b[8+5] |= 2
		err = s.Info.UnmarshalBinary(b)
	}
	if err != nil {
		panic(err)
	}
}

// limitsOnly is the model of an unprivileged look, withClock that of root.
func models() (limitsOnly, withClock forecast.Model) {
	limitsOnly = forecast.Model{Limits: forecast.Defaults(), Kernel: forecast.KernelOf("6.18.44")}
	withClock = limitsOnly
	withClock.Clock = forecast.Clock{HZ: 250, Jiffies: 4_294_937_296, Known: true}
	return limitsOnly, withClock
}

var sink forecast.Ends

func BenchmarkModel_Ends(b *testing.B) {
	limitsOnly, withClock := models()
	for name, s := range kinds() {
		b.Run(name+"/jiffies", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = withClock.Ends(&s)
			}
		})
		b.Run(name+"/plain", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = limitsOnly.Ends(&s)
			}
		})
	}
}

func TestModel_allocates_nothing(t *testing.T) {
	limitsOnly, withClock := models()
	for name, s := range kinds() {
		for _, m := range []*forecast.Model{&limitsOnly, &withClock} {
			if n := testing.AllocsPerRun(10, func() { sink = m.Ends(&s) }); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
	}
}
