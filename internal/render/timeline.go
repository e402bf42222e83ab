package render

import (
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// ageSteps are the bounds of the timeline's bars.
var ageSteps = [...]time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

// timeline is how many sockets have been in their state for how long: those of the findings, or else all that are connected.
func (v *view) timeline() []line {
	var ages []time.Duration
	best := look.AgeExact
	for i := range v.Rows {
		r := &v.Rows[i]
		if r.Age.Kind == look.AgeUnknown || r.Socket.State == tcp.Listen || len(v.About) > 0 && !v.About[r.Finding] {
			continue
		}
		if r.Age.Kind != look.AgeExact {
			best = r.Age.Kind
		}
		ages = append(ages, r.Age.Time)
	}
	if len(ages) == 0 {
		return nil
	}
	slices.Sort(ages)
	words := map[look.AgeKind]string{look.AgeAbout: "about ", look.AgeAtLeast: "at least ", look.AgeExact: ""}[best]
	if len(ages) == 1 {
		return v.labelled("since", words+spoken.Duration(ages[0])+" in this state")
	}
	lines := v.labelled("since", words+spoken.Duration(ages[len(ages)-1])+" the oldest, "+spoken.Duration(ages[len(ages)/2])+" the median, "+spoken.Duration(ages[0])+" the newest")
	if len(ages) < 5 || v.narrow() {
		return lines
	}
	return join(lines, v.bars(ages))
}

// bars draws one bar for each span of ages that has any, and those in between.
func (v *view) bars(ages []time.Duration) []line {
	var counts [len(ageSteps) + 1]int
	for _, age := range ages {
		step, exact := slices.BinarySearch(ageSteps[:], age)
		if exact {
			step++
		}
		counts[step]++
	}
	first, last := 0, len(ageSteps)
	for counts[first] == 0 {
		first++
	}
	for counts[last] == 0 {
		last--
	}
	if first == last {
		return nil
	}
	longest := slices.Max(counts[:])
	mark, room := "▇", min(max(v.width()-labelWidth-26, 4), 40)
	if v.ASCII {
		mark = "#"
	}
	var lines []line
	for i := first; i <= last; i++ {
		bar := strings.Repeat(mark, (counts[i]*room+longest-1)/longest)
		number := Thousands(counts[i])
		lines = append(lines, text(strings.Repeat(" ", labelWidth)+pad(stepName(i), 14)+strings.Repeat(" ", max(8-len(number), 0))+number+"  "+bar))
	}
	return lines
}

// stepName is the span of ages of a bar.
func stepName(i int) string {
	short := func(d time.Duration) string {
		switch {
		case d < time.Minute:
			return d.String()
		case d < time.Hour:
			return strings.TrimSuffix(d.String(), "0s")
		case d < 24*time.Hour:
			return strings.TrimSuffix(d.String(), "0m0s")
		}
		return Thousands(int64(d/(24*time.Hour))) + "d"
	}
	switch i {
	case 0:
		return "under " + short(ageSteps[0])
	case len(ageSteps):
		return "over " + short(ageSteps[i-1])
	}
	return short(ageSteps[i-1]) + " to " + short(ageSteps[i])
}
