package forecast_test

import (
	"math"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

// TestTimeout has the published figures: the kernel's documentation says 924.6 s for 15, and at least 100 s for 8.
func TestTimeout(t *testing.T) {
	for n, want := range []float64{0.2, 0.6, 1.4, 3, 6.2, 12.6, 25.4, 51, 102.2, 204.6, 324.6, 444.6, 564.6, 684.6, 804.6, 924.6} {
		if got := forecast.Timeout(n, 0); got != seconds(want) {
			t.Errorf("Timeout(%d) = %v, want %v s", n, got, want)
		}
	}
	for _, test := range []struct {
		n      int
		rtoMax time.Duration
		want   float64
	}{
		{15, 60 * time.Second, 522.2}, {15, 30 * time.Second, 291}, {15, 10 * time.Second, 112.6}, {15, 5 * time.Second, 61.2},
		{15, time.Second, 14.4}, {8, 10 * time.Second, 42.6}, {8, 2 * time.Second, 13}, {-1, 0, 0.2},
	} {
		if got := forecast.Timeout(test.n, test.rtoMax); got != seconds(test.want) {
			t.Errorf("Timeout(%d, %v) = %v, want %v s", test.n, test.rtoMax, got, test.want)
		}
	}
}

// TestTable compares with the times from the first retransmission to the end that were simulated independently (reference, section 1.4), which took
// every timer for late by half a slot: either moment of a two-valued answer will do.
func TestTable(t *testing.T) {
	rtos := []time.Duration{204 * time.Millisecond, 250 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond, time.Second, 3 * time.Second}
	want := map[int][]float64{
		3: {6.3, 3.5, 4.4, 3.0, 6.1, 6.1}, 4: {6.3, 7.7, 9.3, 7.2, 14.3, 18.3}, 5: {13, 15.8, 19, 15.3, 14.3, 18.3}, 6: {26.1, 31.9, 39.2, 31.4, 30.4, 43.3},
		7: {53.3, 65, 78.7, 64.4, 63.4, 92.3}, 8: {106.5, 130, 156.5, 129.5, 128.4, 189.3}, 10: {333, 372, 398, 371, 370, 431}, 15: {938.1, 977, 1004, 977, 976, 1036},
	}
	for i, rto := range rtos {
		rows := forecast.Table(forecast.Path{RTO: rto})
		for n, figures := range want {
			row, figure := rows[n], seconds(figures[i])
			near := func(d time.Duration) bool { return math.Abs((d - figure).Seconds()) <= 0.1+0.02*figure.Seconds() }
			if !near(row.Dies) && !near(row.Also) {
				t.Errorf("RTO %v, tcp_retries2 %d: dies after %v or %v, want %v", rto, n, row.Dies, row.Also, figure)
			}
		}
	}
}

// TestTable_measured has what was measured on Linux 6.18 at HZ=250 from the sending of data to the end, on a path without delay.
func TestTable_measured(t *testing.T) {
	rows := forecast.Table(forecast.Path{HZ: 250})
	for n, want := range map[int]float64{3: 6.75, 4: 6.8, 5: 13.4, 6: 26.7, 8: 107.07, 15: 938.3} {
		tolerance := 0.2 + want*0.004
		before := rows[n].FromSend - rows[n].Dies
		got := rows[n].FromSend.Seconds()
		if math.Abs(got-want) > tolerance && math.Abs((rows[n].Also+before).Seconds()-want) > tolerance {
			t.Errorf("tcp_retries2 %d: %.2f s from the send, measured %.2f s (%+v)", n, got, want, rows[n])
		}
		if rows[n].Retransmits == 0 || rows[n].Model != forecast.Timeout(n, 0) {
			t.Errorf("row %+v", rows[n])
		}
	}
}

// TestModel_worked_example is a socket of a well-known blog post, of which netstat shows "on (110.84/13/0)".
func TestModel_worked_example(t *testing.T) {
	m := forecast.Model{Limits: forecast.Defaults()}
	s := tcp.Socket{State: tcp.CloseWait, Inode: 1, Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: 13, Expires: 110840 * time.Millisecond}}
	got := m.Ends(&s)
	if got.Kind != forecast.At || got.Error != "ETIMEDOUT" || got.By != forecast.ByRetransmission || got.Limit.Value != 15 || got.Limit.Time != seconds(924.6) {
		t.Fatalf("%+v", got)
	}
	if math.Abs(got.Best.Seconds()-350.8) > 8 || got.Earliest > seconds(110.84) || got.Earliest < seconds(110.8) || got.Latest < seconds(350.8) {
		t.Errorf("netstat's three numbers: %v, from %v to %v", got.Best, got.Earliest, got.Latest)
	}
	// With the elapsed time the answer is exact; lowering the limit ends it at the next firing, not at once.
	m.Clock = forecast.Clock{HZ: 250}
	for _, test := range []struct{ elapsed, want float64 }{{600, 350.8}, {760, 230.8}, {870, 110.8}} {
		s := dying(1, 204, 13)
		s.Timer.Expires = 110840 * time.Millisecond
		s.Info.Put(tcp.TotalRTOTime, uint64(test.elapsed*1000))
		s.Info.Put(tcp.LastDataSent, 9160)
		got := m.Ends(&s)
		if math.Abs(got.Best.Seconds()-test.want) > 3.1 || got.Elapsed != forecast.Exact {
			t.Errorf("after %v s: %v, want about %v s", test.elapsed, got.Best, test.want)
		}
		lower := m.If(forecast.Change{Key: "tcp_retries2", Value: 5})
		if got := lower.Ends(&s); math.Abs(got.Best.Seconds()-110.84) > 2.1 || got.Limit.Value != 5 {
			t.Errorf("after %v s, with tcp_retries2=5: %+v", test.elapsed, got)
		}
	}
}
