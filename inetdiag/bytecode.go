package inetdiag

import (
	"encoding/binary"
	"fmt"

	"github.com/closewait/closewait/tcp"
)

// Operations of the inet_diag bytecode (INET_DIAG_BC_*).
const (
	opNop        = 0
	opJump       = 1
	opSrcAtLeast = 2
	opSrcAtMost  = 3
	opDstAtLeast = 4
	opDstAtMost  = 5
	opAutoBound  = 6
	opSrcHost    = 7
	opDstHost    = 8
	opDevice     = 9
	opMark       = 10
	opCgroup     = 13

	opSize      = 4 // struct inet_diag_bc_op
	maxBytecode = 1<<16 - 8
	anyPort     = ^uint32(0)
)

// Compile translates a condition into the bytecode the kernel runs on every socket of a dump (inet_diag_bc_run).
//
// A condition that is always fulfilled gives no bytecode. The kernel refuses tcp.Mark without CAP_NET_ADMIN (EPERM), and tcp.Cgroup before 5.8 (EINVAL).
//
// Errors: ErrTooLarge, and ErrMalformed for a condition with an invalid prefix or of a foreign type.
func Compile(c tcp.Condition) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	code, err := compile(c)
	if err == nil && len(code) > maxBytecode {
		return nil, ErrTooLarge
	}
	return code, err
}

// compile produces a block with one convention, which makes blocks easy to join: when the condition is fulfilled, control falls off the
// block's end; when it is not, control goes to opSize bytes behind the end. The kernel accepts a socket when control arrives exactly at the end of the
// whole program, so the convention needs no epilogue. Every jump leads forward, as inet_diag_bc_audit demands.
func compile(c tcp.Condition) ([]byte, error) {
	switch c := c.(type) {
	case tcp.And:
		return join(c, conjoin)
	case tcp.Or:
		if len(c) == 0 {
			return negate(nil), nil
		}
		return join(c, disjoin)
	case tcp.Not:
		block, err := compile(c.Condition)
		return negate(block), err
	case tcp.Prefix:
		return compilePrefix(c)
	case tcp.Port:
		return compilePort(c), nil
	case tcp.Device:
		return leaf(opDevice, binary.NativeEndian.AppendUint32(nil, c.Index)), nil
	case tcp.Mark:
		return leaf(opMark, binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, c.Value), c.Mask)), nil
	case tcp.Cgroup:
		return leaf(opCgroup, binary.NativeEndian.AppendUint64(nil, c.ID)), nil
	case tcp.AutoBound:
		return leaf(opAutoBound, nil), nil
	}
	return nil, fmt.Errorf("%w: condition of type %T", ErrMalformed, c)
}

func join(conditions []tcp.Condition, two func(a, b []byte) []byte) ([]byte, error) {
	var all []byte
	for i, c := range conditions {
		block, err := compile(c)
		switch {
		case err != nil:
			return nil, err
		case len(all)+len(block) > maxBytecode:
			return nil, ErrTooLarge // before offsets can overflow their 16 bits
		case i == 0:
			all = block
		default:
			all = two(all, block)
		}
	}
	return all, nil
}

// conjoin runs b behind a; what fails in a has to jump b over as well.
func conjoin(a, b []byte) []byte {
	for at := 0; at < len(a); at += int(a[at+1]) {
		no := a[at+2:]
		if target := at + int(binary.NativeEndian.Uint16(no)); target == len(a)+opSize {
			binary.NativeEndian.PutUint16(no, uint16(target-at+len(b)))
		}
	}
	return append(a, b...)
}

// disjoin puts a jump over b behind a; what fails in a lands behind that jump, at b.
func disjoin(a, b []byte) []byte {
	a = appendOp(a, opJump, opSize, opSize+len(b))
	return append(a, b...)
}

// negate puts a failing jump behind a; what fails in a lands behind that jump, at the end.
func negate(a []byte) []byte { return appendOp(a, opJump, opSize, 2*opSize) }

// leaf is a test with its operand.
func leaf(op byte, operand []byte) []byte {
	size := opSize + len(operand)
	return append(appendOp(nil, op, size, size+opSize), operand...)
}

func appendOp(b []byte, op byte, yes, no int) []byte {
	return binary.NativeEndian.AppendUint16(append(b, op, byte(yes)), uint16(no))
}

// compilePort uses the host test without an address for equality, because INET_DIAG_BC_S_EQ is younger (5.6).
func compilePort(c tcp.Port) []byte {
	op := [2][3]byte{{opSrcHost, opSrcAtLeast, opSrcAtMost}, {opDstHost, opDstAtLeast, opDstAtMost}}[c.Side&1][c.Is%3]
	if c.Is == tcp.Equal {
		return leaf(op, hostOperand(0, 0, uint32(c.Port), nil))
	}
	// The port stands where the "no" offset of a second, empty operation would.
	return leaf(op, appendOp(nil, opNop, 0, int(c.Port)))
}

func compilePrefix(c tcp.Prefix) ([]byte, error) {
	addr := c.Prefix.Addr()
	if !c.Prefix.IsValid() {
		return nil, fmt.Errorf("%w: invalid prefix", ErrMalformed)
	}
	op, family := byte(opSrcHost), tcp.IPv6
	if c.Side == tcp.PeerSide {
		op = opDstHost
	}
	if addr.Is4() {
		family = tcp.IPv4
	}
	return leaf(op, hostOperand(family, c.Prefix.Bits(), anyPort, addr.AsSlice())), nil
}

// hostOperand is a struct inet_diag_hostcond.
func hostOperand(family tcp.Family, bits int, port uint32, addr []byte) []byte {
	b := []byte{byte(family), byte(bits), 0, 0}
	return append(binary.NativeEndian.AppendUint32(b, port), addr...)
}
