package cli

import (
	"testing"
	"time"
)

// TestUndo_at: a change that nobody confirms is taken back when its time is over, whatever somebody sets the wall clock to meanwhile.
func TestUndo_at(t *testing.T) {
	const wait = 300 * time.Millisecond
	for _, set := range []time.Duration{-time.Hour, time.Hour} {
		begin, asked := time.Now(), 0
		clock := func() time.Time {
			if asked++; asked > 1 {
				return time.Now().Add(set)
			}
			return time.Now()
		}
		state := t.TempDir()
		_, stderr, code := run(t, func(c *Config) { c.Now, c.States = clock, func() []string { return []string{state} } },
			"undo", "abcd", "--at", begin.Add(wait).Format(time.RFC3339Nano), "--unless-confirmed", "--yes")
		if took := time.Since(begin); took < wait || took > time.Minute {
			t.Errorf("the clock is set by %v, and it waited for %v of %v", set, took, wait)
		}
		if code != int(Usage) { // there is no such change
			t.Errorf("exit %d, %s", code, stderr)
		}
	}
}
