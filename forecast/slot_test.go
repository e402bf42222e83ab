package forecast

import "testing"

// TestSlotsOf: the slots on both sides of where a level of the wheel ends.
func TestSlotsOf(t *testing.T) {
	for end := int64(levelEnd); end < 1<<27; end <<= 3 {
		for armed := max(end-3, 1); armed <= end+3; armed++ {
			narrower, slot, wider := slotsOf(armed)
			if slot != slotOf(armed) || narrower != slotOf(armed-1) || wider != slotOf(armed+1) {
				t.Errorf("armed %d: %d %d %d, want %d %d %d", armed, narrower, slot, wider, slotOf(armed-1), slotOf(armed), slotOf(armed+1))
			}
		}
	}
}
