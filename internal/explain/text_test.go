package explain

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/report"
)

// usual are the facts of a host that nobody has changed.
func usual() Facts {
	return Facts{Kernel: "6.18.44-generic", Sysctls: map[string]int64{
		"tcp_retries2": 15, "tcp_orphan_retries": 0, "tcp_rto_max_ms": 120000, "tcp_rto_min_us": 200000, "tcp_fin_timeout": 60,
		"tcp_keepalive_time": 7200, "tcp_keepalive_intvl": 75, "tcp_keepalive_probes": 9, "tcp_max_orphans": 65536,
		"tcp_syn_retries": 6, "tcp_syn_linear_timeouts": 4, "tcp_synack_retries": 5,
	}}
}

// with changes some settings.
func with(settings map[string]int64) Facts {
	f := usual()
	maps.Copy(f.Sysctls, settings)
	return f
}

// facts are hosts of all kinds, those that cannot be included.
func facts() map[string]Facts {
	all := func(value int64) Facts {
		f := Facts{Kernel: strings.Repeat("x\n\t\x1b漢", 50), Sysctls: map[string]int64{}, RTT: time.Duration(value)}
		for name := range usual().Sysctls {
			f.Sysctls[name] = value
		}
		return f
	}
	list := map[string]Facts{"empty": {}, "usual": usual(), "old kernel": {Kernel: "4.19.0", Sysctls: map[string]int64{"tcp_retries2": 15}}}
	for _, value := range []int64{math.MinInt64, -1, 0, 1, 255, 256, 1000, math.MaxInt32, math.MaxInt32 + 1, math.MaxInt64} {
		list[fmt.Sprint("all ", value)] = all(value)
	}
	for retries := range int64(22) {
		for _, rtoMax := range []int64{1000, 1600, 5000, 12345, 60000, 120000} {
			f := with(map[string]int64{"tcp_retries2": retries, "tcp_rto_max_ms": rtoMax, "tcp_orphan_retries": retries / 3, "tcp_fin_timeout": 30 * retries, "tcp_rto_min_us": rtoMax})
			f.RTT = time.Duration(retries*rtoMax) * time.Microsecond * 40
			list[fmt.Sprint(retries, " ", rtoMax)] = f
		}
	}
	return list
}

func TestText_fits(t *testing.T) {
	const columns, lines = 80, 60
	reported := map[string]bool{}
	for name, f := range facts() {
		for _, p := range Pages() {
			text := p.Text(f)
			if !strings.HasPrefix(text, p.Name+": ") || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
				t.Errorf("%s (%s) begins or ends wrongly", p.Name, name)
			}
			if n := strings.Count(text, "\n"); n > lines {
				t.Errorf("%s (%s): %d lines", p.Name, name, n)
			}
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if reported[line] {
					continue
				}
				if len(line) > columns || line != strings.TrimRight(line, " ") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' || r == '{' || r == '}' }) {
					reported[line] = true
					t.Errorf("%s (%s): %d columns: %q", p.Name, name, len(line), line)
				}
			}
		}
	}
}

// TestText_files: each page has its text and each text its page.
func TestText_files(t *testing.T) {
	files, err := fs.Glob(texts, "pages/*.txt")
	if err != nil || len(files) != len(table) {
		t.Errorf("%d texts for %d pages, %v", len(files), len(table), err)
	}
	for _, p := range Pages() {
		if !slices.Contains(files, "pages/"+strings.ToLower(p.Name)+".txt") {
			t.Errorf("%s has no text", p.Name)
		}
	}
}

func sections(text string) (titles []string) {
	_, text, _ = strings.Cut(text, "\n")
	for line := range strings.Lines(text) {
		if line != "\n" && !strings.HasPrefix(line, " ") {
			titles = append(titles, strings.TrimSuffix(line, "\n"))
		}
	}
	return titles
}

func TestText_sections(t *testing.T) {
	limits := []string{"What it is", "Which sockets", "On this host", "Myths", "The RFC's word", "Instead, and see also"}
	for i, p := range Pages() {
		got := sections(p.Text(Facts{}))
		want := []string{"What it is", "What ends it", "Myths", "See also"}
		switch {
		case i < 8:
			if diff := cmp.Diff(limits, got); diff != "" {
				t.Errorf("%s: %s", p.Name, diff)
			}
			continue
		case strings.HasPrefix(p.Name, "CW"):
			want = []string{"What it means", "What proves it", "What helps", "What does not", "See also"}
		}
		got = slices.DeleteFunc(got, func(title string) bool { return !slices.Contains(want, title) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", p.Name, diff)
		}
	}
}

// TestText_commands: what a page tells to type exists, and its filters are filters.
func TestText_commands(t *testing.T) {
	command := regexp.MustCompile(`\bclosewait +(\w+)(?: +('[^']*'|\w+))?`)
	options := filter.Options{Causes: report.CauseNames(), Codes: report.Codes()}
	for _, p := range Pages() {
		text := strings.ReplaceAll(p.Text(Facts{}), "\n", "\x00")
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			verb, word := m[1], strings.Trim(m[2], "'")
			switch verb {
			case "explain":
				if _, err := Find(word); err != nil {
					t.Errorf("%s: %q: %v", p.Name, m[0], err)
				}
			case "ls", "when":
				if _, err := options.Parse(word); err != nil || word == "" {
					t.Errorf("%s: %q: %v", p.Name, m[0], err)
				}
			case "show", "doctor", "capabilities", "help", "limit", "close", "record":
			case "tune": // without settings it lists them
			case "names", "who": // closewait alone, then what it does
			default:
				t.Errorf("%s: %q", p.Name, m[0])
			}
		}
	}
}

// TestText_unknown: without facts no page shows a setting of the host, and with them each names the kernel or the values.
func TestText_unknown(t *testing.T) {
	for _, p := range Pages() {
		empty, full := p.Text(Facts{}), p.Text(usual())
		if !strings.Contains(full, "On this host") {
			continue
		}
		if p.Name != "time_wait" && empty == full || !strings.Contains(empty, "not known here") || strings.Contains(full, "not known here") {
			t.Errorf("%s does not tell what is known from what is not:\n%s", p.Name, empty)
		}
		if strings.Contains(empty, "<- here") || strings.Contains(empty, "(default ") {
			t.Errorf("%s shows settings that are not known:\n%s", p.Name, empty)
		}
	}
}

func TestText_golden(t *testing.T) {
	f := with(map[string]int64{"tcp_retries2": 7, "tcp_rto_max_ms": 30000, "tcp_keepalive_time": 600})
	f.RTT = 40 * time.Millisecond
	for _, name := range []string{"tcp_retries2", "keepalive"} {
		p, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name+".golden", p.Text(f))
	}
}
