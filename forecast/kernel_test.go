package forecast_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// kernelClock reads jiffies through CLOCK_MONOTONIC: the two keep step once their difference is known. Only root may read it.
type kernelClock struct {
	hz   int64
	base int64 // jiffies - monotonic/tick
}

var timerListed = regexp.MustCompile(`(?s)now at (\d+) nsecs.*?\njiffies: (\d+)`)

func readTimerList() (now, jiffies int64, ok bool) {
	raw, err := os.ReadFile("/proc/timer_list")
	found := timerListed.FindSubmatch(raw)
	if err != nil || found == nil {
		return 0, 0, false
	}
	now, _ = strconv.ParseInt(string(found[1]), 10, 64)
	jiffies, _ = strconv.ParseInt(string(found[2]), 10, 64)
	return now, jiffies, true
}

func calibrate() (c kernelClock, ok bool) {
	start, first, ok := readTimerList()
	if !ok {
		return c, false
	}
	time.Sleep(300 * time.Millisecond)
	end, last, _ := readTimerList()
	rate := float64(last-first) / float64(end-start) * 1e9
	for _, hz := range []int64{100, 250, 300, 1000} {
		if math.Abs(rate-float64(hz)) < float64(hz)/20 {
			c.hz = hz
		}
	}
	if c.hz == 0 {
		return c, false
	}
	var bases []int64
	for range 25 {
		now, jiffies, _ := readTimerList()
		bases = append(bases, jiffies-now*c.hz/1e9)
	}
	slices.Sort(bases)
	c.base = bases[len(bases)/2]
	return c, true
}

func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

func (c kernelClock) at(now int64) forecast.Clock {
	return forecast.Clock{HZ: int(c.hz), Jiffies: uint64(c.base + now*c.hz/1e9), Known: true}
}

// subject is one socket that is going to die.
type subject struct {
	name    string
	key     tcp.Socket
	options forecast.Options
	fd      int
	died    int64
	said    []said
	next    int64
}

// said is one forecast: with jiffies, with HZ alone, and with neither.
type said struct {
	at   int64
	ends [3]forecast.Ends
}

func closeWaitWith(t *testing.T, set func(s *nstest.Socket)) (s, p *nstest.Socket) {
	s, p = nstest.Connect(t, nstest.IPv4)
	p.CloseWrite()
	s.Await(tcp.CloseWait)
	p.Await(tcp.FinWait2)
	p.Deafen()
	if set != nil {
		set(s)
	}
	return s, p
}

func of(name string, s *nstest.Socket) *subject {
	return &subject{name: name, key: tcp.Socket{Family: tcp.IPv4, Local: tcp.EndpointOf(s.Local()), Peer: tcp.EndpointOf(s.Peer()), Cookie: tcp.NoCookie}, fd: s.FD()}
}

func sysctl(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

const tcpRTOMax = 44 // TCP_RTO_MAX_MS

// dyingKinds makes one socket of each kind.
func dyingKinds(t *testing.T, newer bool) []*subject {
	plain, _ := closeWaitWith(t, nil)
	plain.Write(100)
	user, _ := closeWaitWith(t, func(s *nstest.Socket) { s.Set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 2500) })
	user.Write(100)
	userTimeout := of("user_timeout", user)
	userTimeout.options.UserTimeout = forecast.Is(2500 * time.Millisecond)
	orphan, _ := closeWaitWith(t, nil)
	orphan.Write(100)
	orphaned := of("orphan", orphan)
	orphaned.fd = -1
	orphan.Close()
	alive, _ := closeWaitWith(t, func(s *nstest.Socket) {
		s.Set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		s.Set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 1)
		s.Set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 1)
		s.Set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
	})
	keepalive := of("keepalive", alive)
	keepalive.options.KeepaliveTime, keepalive.options.KeepaliveInterval = forecast.Is(time.Second), forecast.Is(time.Second)
	keepalive.options.KeepaliveProbes = forecast.Is[int64](3)
	made := nstest.Build(t, "close_wait_zero_window_vanished", nstest.IPv4).Subject
	persist := &subject{name: "persist", key: tcp.Socket{Family: tcp.IPv4, Local: tcp.EndpointOf(made.Local), Peer: tcp.EndpointOf(made.Peer), Cookie: tcp.NoCookie}, fd: made.FD}
	_, p := nstest.Connect(t, nstest.IPv4)
	fin := of("fin_wait_2", p)
	fin.fd = -1
	p.Close()
	listener := nstest.Listen(t, nstest.IPv4, 1)
	listener.Deafen()
	client := nstest.Open(t, nstest.IPv4)
	client.Begin(listener.Local())
	all := []*subject{of("retransmission", plain), userTimeout, orphaned, keepalive, persist, fin, of("syn_sent", client)}
	if newer {
		short, _ := closeWaitWith(t, func(s *nstest.Socket) { s.Set(unix.IPPROTO_TCP, tcpRTOMax, 1000) })
		short.Write(100)
		capped := of("rto_max", short)
		capped.options.RTOMax = forecast.Is(time.Second)
		all = append(all, capped)
	}
	return all
}

// TestKernel compares forecasts made at random moments with what the running kernel does.
func TestKernel(t *testing.T) {
	nstest.Require(t)
	if testing.Short() {
		t.Skip("waits for time-outs of the kernel: 10 s")
	}
	sysctls := map[string]int64{"tcp_retries2": 3, "tcp_orphan_retries": 2, "tcp_fin_timeout": 62, "tcp_syn_retries": 1}
	for name, value := range sysctls {
		sysctl(t, name, strconv.FormatInt(value, 10))
	}
	_, err := os.Stat("/proc/sys/net/ipv4/tcp_rto_max_ms")
	clock, hasClock := calibrate()
	var models [3]forecast.Model
	for i := range models {
		models[i].Limits = forecast.LimitsOf(sysctls)
	}
	models[1].Clock.HZ = int(clock.hz)
	conn, openErr := inetdiag.Open()
	if openErr != nil {
		t.Fatal(openErr)
	}
	defer conn.Close()
	var all []*subject
	for range 4 {
		all = append(all, dyingKinds(t, err == nil)...)
		time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
	}
	deadline := time.Now().Add(12 * time.Second)
	last := monotonic()
	for alive := len(all); alive > 0 && time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		alive = 0
		if now := monotonic(); now-last > 20e6 {
			t.Logf("the machine stood still for %v", time.Duration(now-last))
		}
		last = monotonic()
		for _, s := range all {
			if s.died == 0 && s.watch(t, conn, &models, clock, hasClock) {
				alive++
			}
		}
	}
	judge(t, all, hasClock)
}

// watch looks at a socket once, and forecasts its end now and then.
func (s *subject) watch(t *testing.T, conn *inetdiag.Conn, models *[3]forecast.Model, clock kernelClock, hasClock bool) (alive bool) {
	var found tcp.Socket
	now := monotonic()
	err := conn.Get(context.Background(), &s.key, inetdiag.WithInfo, &found)
	if errors.Is(err, fs.ErrNotExist) {
		s.died = now
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if now < s.next || found.State == tcp.Established {
		return true
	}
	s.next = now + int64(50+rand.IntN(150))*1e6
	prediction := said{at: now}
	if hasClock {
		models[0].Clock = clock.at(now)
	}
	for i := range models {
		prediction.ends[i] = models[i].EndsKnowing(&found, &s.options)
	}
	s.said = append(s.said, prediction)
	return true
}

// judge compares what was said with what came.
func judge(t *testing.T, all []*subject, hasClock bool) {
	for lane, name := range []string{"jiffies known", "HZ known", "nothing known"} {
		if lane < 2 && !hasClock {
			continue
		}
		var misses []float64
		two, outside := 0, 0
		worst := map[string]float64{}
		for _, s := range all {
			if s.died == 0 {
				t.Errorf("%s: still alive", s.name)
				continue
			}
			for _, said := range s.said {
				e := said.ends[lane]
				rest := time.Duration(s.died - said.at)
				if e.Kind == forecast.Never {
					t.Errorf("%s ends in %v, forecast never: %+v", s.name, rest, e)
				}
				if e.Kind != forecast.At {
					continue
				}
				// A busy machine serves timers late (ksoftirqd), and this test sees it later still.
				if rest < e.Earliest-30*time.Millisecond || rest > e.Latest+300*time.Millisecond {
					outside++
					if outside < 8 {
						t.Logf("%s, %s: ends in %v, forecast %+v", name, s.name, rest, e)
					}
				}
				miss := math.Abs((rest - e.Best).Seconds())
				if e.Also != 0 {
					two++
					miss = min(miss, math.Abs((rest - e.Also).Seconds()))
				}
				misses = append(misses, miss)
				worst[s.name] = max(worst[s.name], miss)
			}
		}
		if len(misses) == 0 {
			t.Fatal("no forecasts")
		}
		slices.Sort(misses)
		sum := 0.0
		for _, m := range misses {
			sum += m
		}
		t.Logf("%s: %d forecasts, error mean %.4f s, p95 %.4f s, max %.4f s, two-valued %d, outside the interval %d, worst %.3v",
			name, len(misses), sum/float64(len(misses)), misses[len(misses)*95/100], misses[len(misses)-1], two, outside, worst)
		if median := misses[len(misses)/2]; median > [...]float64{0.02, 0.1, 0.2}[lane] {
			t.Errorf("%s: half of the forecasts are off by more than %.3f s", name, median)
		}
		if outside*20 > len(misses) {
			t.Errorf("%s: %d of %d outside the interval", name, outside, len(misses))
		}
	}
}
