package probe

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// optionSize is the size of struct option in bpf/options.c.
const optionSize = 80

// nowhere stands for the slot of a timer that does not hang in the wheel.
const nowhere = 0xffff

// decodeOption reads one; tick is the length of a jiffy.
func decodeOption(b *[optionSize]byte, tick time.Duration) (tcp.Cookie, look.Options) {
	jiffies := func(at int) time.Duration { return time.Duration(binary.NativeEndian.Uint32(b[at:])) * tick }
	o := look.Options{
		UserTimeout: time.Duration(binary.NativeEndian.Uint32(b[8:])) * time.Millisecond, RTOMax: jiffies(12),
		KeepaliveTime: jiffies(16), KeepaliveInterval: jiffies(20), KeepaliveProbes: int(b[24]), SynRetries: int(b[25]), ThinLinear: b[26] != 0,
		Inside: true, SoftError: int(binary.NativeEndian.Uint16(b[30:])), RTOMin: jiffies(52),
		Linger: time.Duration(int32(binary.NativeEndian.Uint32(b[72:]))) * tick, Probing: time.Duration(int32(binary.NativeEndian.Uint32(b[76:]))) * tick,
	}
	if slot := binary.NativeEndian.Uint16(b[68:]); slot != nowhere {
		now := binary.NativeEndian.Uint64(b[56:])
		expires := now + uint64(int64(int32(binary.NativeEndian.Uint32(b[64:]))))
		o.Armed = look.Armed{Expires: expires, Fires: firing(expires, slot), At: now, Count: b[70]}
	}
	if b[27] != 0 {
		o.Recoveries = int(binary.NativeEndian.Uint16(b[28:]))
		o.Ahead = time.Duration(int32(binary.NativeEndian.Uint32(b[48:]))) * time.Millisecond
	}
	if o.ThinLinear {
		name, _, _ := bytes.Cut(b[32:], []byte{0})
		o.Congestion = string(name)
	}
	return tcp.Cookie(binary.NativeEndian.Uint64(b[0:])), o
}

// firing is the jiffy at which a timer in a slot of the wheel goes off that was armed for another: the first beginning of that slot from then on (calc_index,
// collect_expired_timers).
func firing(expires uint64, slot uint16) uint64 {
	const levelBits, levelSlots = 3, 64 // LVL_CLK_SHIFT, LVL_SIZE
	shift := slot / levelSlots * levelBits
	at := (expires + 1<<shift - 1) >> shift
	return (at + (uint64(slot)-at)%levelSlots) << shift
}
