package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// report is what the run showed.
type report struct {
	Seed     uint64
	Length   string
	Lives    int
	Deaths   int
	Looks    int
	Rows     []*row
	Findings map[string][]*finding
	Failures []string // requirements that are not met
	Alive    []string // lives that did not end in time
	Missing  []string // parts of the matrix that could not be made
	NoiseMS  []float64
	// ServedLate is what share of all firings the kernel served late, as far as it could be listened to.
	ServedLate float64
	rows       map[[2]string]*row
	// long runs have long lives, in which a look seldom falls into the first half second, where a probe and a time-out look alike.
	long bool
	// firm reports do not require what a machine that is held up can break: how near the best moment is.
	firm bool
}

// finding is something wrong with one life: what the first forecast that was wrong said, and how many more were.
type finding struct {
	Text string
	More int
	life *life
}

func (f *finding) String() string {
	if f.More == 0 {
		return f.Text
	}
	return fmt.Sprintf("%s\n      and %d more forecasts of this socket", f.Text, f.More)
}

// Kinds of findings.
const (
	failure    = "failed"
	wrongNever = "never, but it died"
	wrongAt    = "at, but it lives"
	wrongError = "another error"
	offBy      = "off by a whole time-out" // by more than the bound
	servedLate = "off, but inside the interval: a firing was served a jiffy late"
	atSecond   = "off, but it is the second moment named"
	outsideOf  = "outside the interval"
)

// total is the kind of the row that sums up the others.
const total = "all"

func kindOf(finding string, lane int, r *row) string {
	if strings.HasSuffix(r.Kind, unseen) {
		finding += unseen
	}
	return laneNames[lane] + ": " + finding
}

func (r *report) find(kind string, l *life, text string) {
	if r.Findings == nil {
		r.Findings = map[string][]*finding{}
	}
	list := r.Findings[kind]
	if n := len(list); n > 0 && l != nil && list[n-1].life == l {
		list[n-1].More++
		return
	}
	r.Findings[kind] = append(list, &finding{Text: text, life: l})
}

func (r *report) count(kind string) (forecasts int) {
	for _, f := range r.Findings[kind] {
		forecasts += 1 + f.More
	}
	return forecasts
}

func (r *report) row(kind string, lane int) *row {
	k := [2]string{laneNames[lane], kind}
	if r.rows[k] == nil {
		r.rows[k] = &row{Kind: kind, Lane: laneNames[lane], deaths: map[*life]bool{}}
	}
	return r.rows[k]
}

// moving is the kind whose grid of time-outs moves by what the network reports: only the interval is a promise.
const moving = "no neighbour"

// sum adds the totals and checks the requirements.
func (r *report) sum() {
	for lane := range lanes {
		sum := &row{Kind: total, Lane: laneNames[lane], deaths: map[*life]bool{}}
		steady := &row{Kind: total + " but " + moving, Lane: laneNames[lane], deaths: map[*life]bool{}}
		for _, k := range slices.SortedFunc(maps.Keys(r.rows), func(a, b [2]string) int { return strings.Compare(a[1], b[1]) }) {
			one := r.rows[k]
			if one.Lane != laneNames[lane] {
				continue
			}
			r.Rows = append(r.Rows, one)
			one.sum()
			if strings.HasSuffix(one.Kind, unseen) {
				continue
			}
			sum.add(one)
			if one.Kind != moving {
				steady.add(one)
			}
		}
		sum.sum()
		steady.sum()
		r.Rows = append(r.Rows, sum, steady)
		r.require(lane, sum, steady)
	}
	if n := len(r.Findings[failure]); n > 0 {
		r.Failures = append(r.Failures, fmt.Sprintf("%d lives or looks failed", n))
	}
}

func (r *row) add(o *row) {
	r.N, r.Unknown, r.Also, r.Outside, r.Machine, r.Beyond = r.N+o.N, r.Unknown+o.Unknown, r.Also+o.Also, r.Outside+o.Outside, r.Machine+o.Machine, r.Beyond+o.Beyond
	r.Late, r.Unnamed, r.all = r.Late+o.Late, r.Unnamed+o.Unnamed, append(r.all, o.all...)
	r.errors, r.widths, r.small = append(r.errors, o.errors...), append(r.widths, o.widths...), append(r.small, o.small...)
	maps.Copy(r.deaths, o.deaths)
}

// require notes which requirements of a lane are not met. Without knowing the options the interval alone is promised, and that what is said to live for ever does.
func (r *report) require(lane int, sum, steady *row) {
	if sum.N == 0 {
		return
	}
	fail := func(bad bool, format string, args ...any) {
		if bad {
			r.Failures = append(r.Failures, laneNames[lane]+": "+fmt.Sprintf(format, args...))
		}
	}
	switch {
	case lane == blind:
		fail(sum.InsideRate < leastInside, "%.2f %% of deaths inside the interval, at least 99 %% wanted", 100*sum.InsideRate)
		n := r.count(kindOf(wrongNever, lane, sum))
		fail(n > 0, "%s: %d times", wrongNever, n)
		return
	case r.firm:
	case lane == jiffies:
		fail(steady.MaxMS > ms(worstExact), "error up to %.0f ms, at most %v allowed", steady.MaxMS, worstExact)
		fail(steady.P95MS > ms(p95Exact), "p95 of the error %.1f ms, at most %v allowed", steady.P95MS, p95Exact)
		also := float64(steady.Also) / float64(steady.N)
		fail(r.long && also > mostAlso, "two moments in %.2f %% of answers, at most 1 %% allowed", 100*also)
	default:
		fail(steady.Beyond > 0, "%d off by more than half a slot per timer", steady.Beyond)
		fail(steady.SmallMeanMS > ms(meanRough), "mean error %.1f ms with tcp_retries2 up to 6, at most %v allowed", steady.SmallMeanMS, meanRough)
	}
	fail(sum.Unnamed*10 > sum.N, "no error named in %d answers", sum.Unnamed)
	fail(sum.InsideRate < leastInside, "%.2f %% of deaths inside the interval, at least 99 %% wanted", 100*sum.InsideRate)
	for _, kind := range []string{wrongNever, wrongAt, wrongError} {
		n := r.count(kindOf(kind, lane, sum))
		fail(n > 0, "%s: %d times", kind, n)
	}
}

func (r *report) code() int {
	if len(r.Failures) > 0 {
		return 1
	}
	return 0
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// few findings of a kind are printed unless all are wanted.
const few = 5

func (r *report) write(w io.Writer, all bool) {
	fmt.Fprintf(w, "%d lives, %d deaths, %d looks in %s, seed %d\n", r.Lives, r.Deaths, r.Looks, r.Length, r.Seed)
	if n := r.NoiseMS; len(n) == 5 {
		fmt.Fprintf(w, "the machine's own timers are late by %.1f ms (half of them), %.1f (95 %%), %.1f (99 %%), %.1f (99.9 %%), %.1f (worst)\n", n[0], n[1], n[2], n[3], n[4])
	}
	if r.ServedLate > 0 {
		fmt.Fprintf(w, "the kernel served %.1f %% of TCP's timers a jiffy or more after they were due\n", 100*r.ServedLate)
	}
	lane := ""
	for _, o := range r.Rows {
		if o.N+o.Unknown+o.Machine == 0 {
			continue
		}
		if o.Lane != lane {
			lane = o.Lane
			fmt.Fprintf(w, "\n%-22s %6s %6s %8s %8s %8s %7s %6s %8s %7s %5s %7s %7s\n", lane, "deaths", "n", "mean", "p95", "max", "inside", "also", "width", "unknown", "late", "machine", "unnamed")
		}
		o.write(w)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Findings)) {
		list := r.Findings[kind]
		fmt.Fprintf(w, "\n%s: %d forecasts of %d sockets\n", kind, r.count(kind), len(list))
		// Every whole time-out missed with jiffies known is to be explained.
		if !all && (!strings.HasPrefix(kind, laneNames[jiffies]) || strings.HasSuffix(kind, unseen)) {
			list = list[:min(few, len(list))]
		}
		for _, text := range list {
			fmt.Fprintln(w, "   ", text)
		}
	}
	r.close(w, all)
}

func (r *row) write(w io.Writer) {
	fmt.Fprintf(w, "%-22s %6d %6d %8.1f %8.1f %8.1f %6.2f%% %5.2f%% %8.1f %7d %5d %7d %7d", r.Kind, len(r.deaths), r.N, r.MeanMS, r.P95MS, r.MaxMS,
		100*r.InsideRate, 100*float64(r.Also)/float64(max(r.N, 1)), r.WidthMS, r.Unknown, r.Late, r.Machine, r.Unnamed)
	if strings.HasPrefix(r.Kind, total) && len(r.small) > 0 {
		fmt.Fprintf(w, "  mean with tcp_retries2 up to 6: %.1f", r.SmallMeanMS)
	}
	fmt.Fprintln(w)
}

func (r *report) close(w io.Writer, all bool) {
	fmt.Fprintf(w, "\n%d lives did not end in time\n", len(r.Alive))
	if all {
		for _, text := range r.Alive {
			fmt.Fprintln(w, "   ", text)
		}
	}
	for _, text := range r.Missing {
		fmt.Fprintln(w, "not made:", text)
	}
	for _, text := range r.Failures {
		fmt.Fprintln(w, "FAILED:", text)
	}
	if len(r.Failures) == 0 {
		fmt.Fprintln(w, "every requirement is met")
	}
}
