package look

import (
	"math"
	"testing"

	"github.com/closewait/closewait/tcp"
)

// TestRow_Info: what the kernel has not measured is not known, whatever number stands in its place.
func TestRow_Info(t *testing.T) {
	for _, c := range []struct {
		state tcp.State
		field tcp.Field
		value uint64
		known bool
	}{
		{tcp.SynSent, tcp.LastDataSent, 71_932_376, false},
		{tcp.SynSent, tcp.LastDataRecv, 71_932_376, false},
		{tcp.SynSent, tcp.LastAckRecv, 71_932_376, false},
		{tcp.SynSent, tcp.Retransmits, 9, true},
		{tcp.SynSent, tcp.RTT, 0, false},
		{tcp.SynSent, tcp.MinRTT, math.MaxUint32, false},
		{tcp.Established, tcp.LastDataSent, 71_932_376, true},
		{tcp.Established, tcp.RTT, 7, true},
		{tcp.Established, tcp.RcvRTT, 0, false},
		{tcp.Established, tcp.MinRTT, 7, true},
		{tcp.Established, tcp.Unacked, 0, true},
		{tcp.Listen, tcp.Unacked, 2, false},
	} {
		r := Row{Socket: &tcp.Socket{State: c.state}}
		if _, known := r.Info(c.field); known {
			t.Errorf("%v of a socket without tcp_info is known", c.field)
		}
		r.Socket.Info.Put(c.field, c.value)
		if value, known := r.Info(c.field); known != c.known || value != c.value {
			t.Errorf("%v of a socket in %v: %d, %v", c.field, c.state, value, known)
		}
	}
}
