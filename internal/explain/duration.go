package explain

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// seconds writes a time as the reader compares it: in seconds, with tenths where they are not all there is.
func seconds(d time.Duration) string {
	if d < time.Second && d%(100*time.Millisecond) != 0 {
		return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + " s"
	}
	tenths := math.Round(d.Seconds()*10) / 10
	return strconv.FormatFloat(tenths, 'f', -1, 64) + " s"
}

// whole writes a time in whole seconds, and in larger units where those are many.
func whole(d time.Duration) string {
	return fmt.Sprintf("%.0f s", d.Seconds()) + inMinutes(d)
}

// minutes writes a time in minutes from two minutes on.
func minutes(d time.Duration) string {
	if d < 2*time.Minute {
		return seconds(d)
	}
	return strconv.FormatFloat(math.Round(d.Minutes()*10)/10, 'f', -1, 64) + " min"
}

// inMinutes adds what many seconds are in larger units: " (2 h 11 min)", nothing for few.
func inMinutes(d time.Duration) string {
	d = d.Round(time.Minute)
	switch {
	case d < 10*time.Minute:
		return ""
	case d < time.Hour:
		return fmt.Sprintf(" (%d min)", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf(" (%d h %d min)", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf(" (%d days)", d/(24*time.Hour))
}

// tenths writes seconds for a column, without the unit.
func tenths(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) }

// millis writes a round-trip time.
func millis(d time.Duration) string {
	return strconv.FormatFloat(math.Round(float64(d)/float64(time.Millisecond)*10)/10, 'f', -1, 64) + " ms"
}
