package cli

import "testing"

// TestSpan follows the table of the monitoring plugins' guidelines.
func TestSpan(t *testing.T) {
	for text, tt := range map[string]struct{ quiet, alarm []int }{
		"10": {[]int{0, 10}, []int{11, -1}}, "10:": {[]int{10, 99}, []int{9}}, "~:10": {[]int{-5, 10}, []int{11}}, "5:10": {[]int{5, 10}, []int{4, 11}},
		"@5:10": {[]int{4, 11}, []int{5, 10}}, "0": {[]int{0}, []int{1}}, "1.5": {[]int{1}, []int{2}},
	} {
		var s span
		if s.alarms(1) {
			t.Error("alarms without a threshold")
		}
		if err := s.Set(text); err != nil || s.String() != text {
			t.Fatalf("%q: %v", text, err)
		}
		for _, n := range tt.quiet {
			if s.alarms(n) {
				t.Errorf("%q alarms at %d", text, n)
			}
		}
		for _, n := range tt.alarm {
			if !s.alarms(n) {
				t.Errorf("%q does not alarm at %d", text, n)
			}
		}
	}
	for _, text := range []string{"", "x", "10:5", "5:x", "@", ":", "NaN", "~", "1:2:3"} {
		var s span
		if s.Set(text) == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
