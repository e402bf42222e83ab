package procfs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/procfs"
)

const (
	catStat      = "5417 (cat) R 5407 5407 3561 0 -1 4194304 104 0 0 0 0 0 0 0 20 0 1 0 100027 3133440 418 18446744073709551615 94863624937472 94863624957353 140735386888832 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
	kthreaddStat = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
	after        = " S 7 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n"
)

func TestParseStat(t *testing.T) {
	for _, test := range []struct {
		text string
		want procfs.Stat
	}{
		{catStat, procfs.Stat{PID: 5417, Comm: "cat", State: 'R', PPID: 5407, Group: 5407, Session: 3561, Flags: 4194304, StartTicks: 100027}},
		{kthreaddStat, procfs.Stat{PID: 2, Comm: "kthreadd", State: 'S', Flags: 2129984, StartTicks: 1}},
		{"9 (a b) S 1 (c))" + after, procfs.Stat{PID: 9, Comm: "a b) S 1 (c)", State: 'S', PPID: 7, Group: 1, Session: 1, Flags: 4194560, Processor: -1, StartTicks: 4711}},
		{"9 (two\nlines)" + after, procfs.Stat{PID: 9, Comm: "two\nlines", State: 'S', PPID: 7, Group: 1, Session: 1, Flags: 4194560, Processor: -1, StartTicks: 4711}},
		{"9 ()" + after, procfs.Stat{PID: 9, State: 'S', PPID: 7, Group: 1, Session: 1, Flags: 4194560, Processor: -1, StartTicks: 4711}},
	} {
		got, err := procfs.ParseStat(strings.NewReader(test.text))
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if got.KernelThread() != (test.want.Comm == "kthreadd") {
			t.Errorf("%q: kernel thread: %v", test.text, got.KernelThread())
		}
	}
	for _, bad := range []string{"", "\n", "1", "1 (a", "1 a)", ")(", "(a) S 1", "x (a)" + after, "1 (a) S 1 2 3", "1 (a) SS" + after[2:], "1 (a)" + strings.Replace(after, "4711", "-1", 1)} {
		_, err := procfs.ParseStat(strings.NewReader(bad))
		var op *procfs.OpError
		if !errors.As(err, &op) || op.Op != "parse stat" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	for _, s := range []string{catStat, kthreaddStat, "9 (a b) S 1 (c))" + after} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = procfs.ParseStat(strings.NewReader(text))
		// Whatever a process is called, its line is read.
		if len(text) > 64 {
			return
		}
		st, err := procfs.ParseStat(strings.NewReader("9 (" + text + ")" + after))
		want := procfs.Stat{PID: 9, Comm: text, State: 'S', PPID: 7, Group: 1, Session: 1, Flags: 4194560, Processor: -1, StartTicks: 4711}
		if err != nil || st != want {
			t.Fatalf("got %+v, %v; want %+v", st, err, want)
		}
	})
}

func TestParseBootTime(t *testing.T) {
	long := "intr " + strings.Repeat("0 ", 10000) + "btime 7\n"
	for text, want := range map[string]int64{
		"cpu  1 2 3\nctxt 5\nbtime 1795351653\nprocesses 9\n": 1795351653,
		long + "btime 1795351653":                             1795351653,
		"btime x\nbtime 5\n":                                  5,
		long:                                                  0,
		"":                                                    0,
		"btime -5\n":                                          0,
	} {
		got, err := procfs.ParseBootTime(strings.NewReader(text))
		if (err == nil) != (want != 0) || err == nil && !got.Equal(time.Unix(want, 0)) {
			t.Errorf("%.30q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseBootTime(f *testing.F) {
	f.Add("cpu  1 2 3\nctxt 5\nbtime 1795351653\nprocesses 9\n")
	f.Add("intr 1 2 3 btime 4\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := procfs.ParseBootTime(strings.NewReader(text))
		if err == nil && !strings.Contains(text, "btime ") {
			t.Fatalf("%v from %q", got, text)
		}
	})
}

// TestParseSched: when a task last ran is told in milliseconds with six places; anything else tells nothing.
func TestParseSched(t *testing.T) {
	const head = "worker (4711, #threads: 3)\n-------------------------------------------\n"
	tests := map[string]time.Duration{
		head + "se.exec_start                                :      46511871.090929\nse.vruntime : 1.5\n": 46511871*time.Millisecond + 90929,
		head + "se.exec_start : 0.000001\n": 1,
		head + "se.exec_start : 12\n":       0, head + "se.exec_start : 12.5\n": 0, head + "se.exec_start : -1.000000\n": 0, head + "se.exec_start :\n": 0,
		head + "se.exec_start : 9300000000000.000000\n": 0, head + "se.vruntime : 1.000000\n": 0, "": 0,
	}
	for text, want := range tests {
		if got, ok := procfs.ParseSched([]byte(text)); got != want || ok != (want != 0) {
			t.Errorf("%q: %v %t, want %v", text, got, ok, want)
		}
	}
}

// FuzzParseSched: whatever the kernel writes, a moment that is told is none before the clock began.
func FuzzParseSched(f *testing.F) {
	f.Add("python3 (29, #threads: 3)\n-----\nse.exec_start                                :       2741334.236911\nse.vruntime                                  :  1.5\n")
	f.Add("se.exec_start : 1.5\n")
	f.Fuzz(func(t *testing.T, text string) {
		if last, ok := procfs.ParseSched([]byte(text)); last < 0 || !ok && last != 0 {
			t.Errorf("%v, %v", last, ok)
		}
	})
}
