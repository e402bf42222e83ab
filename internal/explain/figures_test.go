package explain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

func page(t *testing.T, name string, f Facts) string {
	t.Helper()
	p, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.Text(f)
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// TestFigures_table: the rows of the page are those of the model, on the host's own longest wait.
func TestFigures_table(t *testing.T) {
	for _, rtoMax := range []time.Duration{2 * time.Second, 120 * time.Second} {
		text := page(t, "tcp_retries2", with(map[string]int64{"tcp_retries2": 12, "tcp_rto_max_ms": rtoMax.Milliseconds()}))
		near, far := forecast.Table(forecast.Path{RTT: time.Millisecond, RTOMax: rtoMax}), forecast.Table(forecast.Path{RTT: 100 * time.Millisecond, RTOMax: rtoMax})
		for _, n := range []int{3, 4, 5, 6, 8, 10, 12, 15} {
			row := fmt.Sprintf("\n  %10d  %10.1f  %13s  %13s", n, forecast.Timeout(n, rtoMax).Seconds(), cell(near[n]), cell(far[n]))
			if n == 12 {
				row += "  <- here\n"
			}
			wants(t, text, row)
		}
		if strings.Count(text, "<- here") != 1 {
			t.Error("the host's value is not marked once")
		}
	}
}

func cell(r forecast.Row) string {
	text := strconv.FormatFloat(r.FromSend.Seconds(), 'f', 1, 64)
	if r.Also == 0 {
		return text
	}
	other := strconv.FormatFloat((r.FromSend - r.Dies + r.Also).Seconds(), 'f', 1, 64)
	if r.Also < r.Dies {
		return other + "/" + text
	}
	return text + "/" + other
}

// TestFigures_measured holds the page against the experiments of the reference (6.18, no answer, from the send).
func TestFigures_measured(t *testing.T) {
	f := figures{facts: Facts{}}
	for n, measured := range map[int][2]float64{3: {6.6, 6.9}, 4: {6.7, 6.9}, 5: {13.3, 13.5}, 6: {26.6, 26.8}, 8: {106.9, 107.3}, 15: {938, 939}} {
		life, err := strconv.ParseFloat(strings.TrimSuffix(f.of([]string{"life", strconv.Itoa(n)}), " s"), 64)
		if err != nil || life < measured[0] || life > measured[1] {
			t.Errorf("tcp_retries2=%d: %v s, measured %v", n, life, measured)
		}
	}
}

// TestProbeTimes_measured: probes for a peer that vanished when their interval was 2 s already, and for packets that did not leave the host.
func TestProbeTimes_measured(t *testing.T) {
	if _, most := probeTimes(5, 2*time.Second); !about(12*time.Second, most) {
		t.Errorf("tcp_retries2=5: %v, measured 12.0 s", most)
	}
	if fresh, _ := probeTimes(4, 120*time.Second); !about(6450*time.Millisecond, fresh) {
		t.Errorf("tcp_retries2=4: %v, measured 6.45 s", fresh)
	}
}

func TestFigures_typed(t *testing.T) {
	wants(t, page(t, "tcp_retries2", Facts{}), "limit is "+seconds(forecast.Timeout(15, 0)), "complies: "+seconds(forecast.Timeout(8, 0)))
	wants(t, page(t, "rto", Facts{}), "15 is "+seconds(forecast.Timeout(15, 10*time.Second)), "8 is "+seconds(forecast.Timeout(8, 10*time.Second)))
	wants(t, page(t, "orphan", usual()), "limit "+seconds(forecast.Timeout(8, 0))+" (0 stands for 8)")
	wants(t, page(t, "orphan", with(map[string]int64{"tcp_orphan_retries": 3})), "limit 3 s.")
	wants(t, page(t, "keepalive", usual()), "ended after 7875 s (2 h 11 min)")
	wants(t, page(t, "keepalive", with(map[string]int64{"tcp_keepalive_intvl": math.MaxInt32, "tcp_keepalive_probes": 255})), "ended after centuries")
	wants(t, page(t, "zero_window", Facts{}), "be 32 min; from the start 15.5 min")
	wants(t, page(t, "zero_window", with(map[string]int64{"tcp_retries2": 3})), "with probes every 1.6 s")
	wants(t, page(t, "fin_wait_2", usual()), "Held by nobody: ended after 60 s.")
}

// TestProbeTimes_model: a socket whose first probe is unanswered ends when the model says so; so does one that probes at the longest interval.
func TestProbeTimes_model(t *testing.T) {
	for _, rtoMax := range []time.Duration{2 * time.Second, 120 * time.Second} {
		for retries := int64(3); retries <= 15; retries++ {
			m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}}
			m.Limits.Retries2, m.Limits.RTOMax = forecast.Is(retries), forecast.Is(rtoMax)
			s := tcp.Socket{State: tcp.Established, Inode: 1, SendQueue: 1000, Timer: tcp.Timer{Kind: tcp.TimerPersist, Count: 2}}
			first := firstWait(lan, 200*time.Millisecond)
			s.Timer.Expires = min(4*first, rtoMax)
			s.Info.Put(tcp.RTO, uint64(first.Microseconds()))
			s.Info.Put(tcp.Backoff, 2)
			s.Info.Put(tcp.SndWnd, 0)
			s.Info.Put(tcp.NotSentBytes, 1000)
			s.Info.Put(tcp.LastAckRecv, 60000)
			fresh, most := probeTimes(retries, rtoMax)
			rest := fresh - first - min(2*first, rtoMax)
			if ends := m.Ends(&s); ends.Kind != forecast.At || !about(ends.Best, rest) {
				t.Errorf("tcp_retries2=%d, %v: the model says %v %v, the page %v", retries, rtoMax, ends.Kind, ends.Best, rest)
			}
			s.Timer.Expires = most / time.Duration(retries+1)
			s.Info.Put(tcp.Backoff, uint64(retries))
			rest = most - 2*s.Timer.Expires
			if ends := m.Ends(&s); ends.Kind != forecast.At || !about(ends.Best, rest) {
				t.Errorf("tcp_retries2=%d, %v, at the longest: the model says %v %v, the page %v", retries, rtoMax, ends.Kind, ends.Best, rest)
			}
		}
	}
}

// about allows for the lateness of timers, an eighth at the most.
func about(got, want time.Duration) bool { return got >= want && got <= want+want/8+time.Second }

// TestWaits_model: the waits add up to the times of the table.
func TestWaits_model(t *testing.T) {
	for _, rtt := range []time.Duration{time.Millisecond, 40 * time.Millisecond, 100 * time.Millisecond} {
		rows := forecast.Table(forecast.Path{RTT: rtt})
		for _, n := range []int{5, 8, 10, 15} {
			wait, sum := Facts{}.firstWait(rtt), time.Duration(0)
			for sum < rows[n].Model {
				wait = min(2*wait, 120*time.Second)
				sum += wait
			}
			if !about(rows[n].Dies, sum) {
				t.Errorf("RTT %v, tcp_retries2=%d: the waits add up to %v, the model says %v", rtt, n, sum, rows[n].Dies)
			}
		}
	}
	wants(t, page(t, "rto", usual()), "0.204 0.408 0.816 1.6 3.3 6.5 13.1 26.1 52.2 104.4 then 120\n", "0.3 0.6")
	wants(t, page(t, "rto", with(map[string]int64{"tcp_rto_max_ms": 1000, "tcp_rto_min_us": 5000})), "0.008 0.016")
}

// TestFinEnd: above a minute the excess counts twice (measured: 90 gave 60 s, 120 gave 120 s).
func TestFinEnd(t *testing.T) {
	for set, want := range map[int64]int{90: 60, 120: 120} {
		text := page(t, "fin_wait_2", with(map[string]int64{"tcp_fin_timeout": set}))
		_, text, _ = strings.Cut(text, "ended after about ")
		text, _, _ = strings.Cut(text, " s")
		if got, err := strconv.Atoi(text); err != nil || got < want || got > want+want/8 {
			t.Errorf("tcp_fin_timeout=%d: %q s, measured %d s", set, text, want)
		}
	}
}

func TestOf_panics(t *testing.T) {
	for _, marker := range []string{"nonsense", "limit x", "limit 3 x"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q passed", marker)
				}
			}()
			figures{}.of(strings.Fields(marker))
		}()
	}
}

func TestExpand(t *testing.T) {
	of := func(words []string) string { return strings.Join(words, "+") + "\nmore" }
	for in, want := range map[string]string{"plain\n": "plain\n", "  {a b} c {d}\n": "  a+b\n  more c d\n  more\n", "open { brace\n": "open "} {
		if got := expand(in, of); got != want {
			t.Errorf("expand(%q) = %q, want %q", in, got, want)
		}
	}
}
