package filter

import (
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// deviceTest is "dev": the interface a socket is bound to (SO_BINDTODEVICE, or the scope of a link-local address).
type deviceTest struct {
	is    comparison
	index uint32
}

func (n deviceTest) eval(row *look.Row) truth { return n.is.of(known(row.Socket.Interface == n.index)) }

func (n deviceTest) limits(holds bool) limits {
	return exactCondition(tcp.Device{Index: n.index}, holds == (n.is == equal))
}

func (n deviceTest) String() string {
	return "dev " + n.is.String() + " " + strconv.FormatUint(uint64(n.index), 10)
}

func parseDevice(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "an interface")
	if problem != nil {
		return nil, problem
	}
	if n, err := parseNumber(t.text, 32); err == nil {
		return deviceTest{is, uint32(n)}, nil
	}
	if p.options.Device == nil {
		return nil, p.fail(t, "give the interface's index, the number before its name in the output of ip link",
			"the interface name %s cannot be resolved here", quote(t))
	}
	index, err := p.options.Device(t.text)
	if err != nil {
		return nil, p.unresolved(t, "interface", err)
	}
	return deviceTest{is, index}, nil
}

// unresolved is the error for a name that a function of the options did not know.
func (p *parser) unresolved(t token, kind string, err error) *SyntaxError {
	problem := p.fail(t, "", "%s %s: %v", kind, quote(t), err)
	problem.Err = err
	return problem
}

// markTest is "fwmark".
type markTest struct {
	is          comparison
	value, mask uint32
}

func (n markTest) eval(row *look.Row) truth {
	if !row.Socket.Has(tcp.HasMark) {
		return unknown
	}
	return n.is.of(known(row.Socket.More().Mark&n.mask == n.value))
}

func (n markTest) limits(holds bool) limits {
	return exactCondition(tcp.Mark{Value: n.value, Mask: n.mask}, holds == (n.is == equal))
}

func (n markTest) String() string {
	text := "fwmark " + n.is.String() + " 0x" + strconv.FormatUint(uint64(n.value), 16)
	if n.mask != ^uint32(0) {
		text += "/0x" + strconv.FormatUint(uint64(n.mask), 16)
	}
	return text
}

func parseMark(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	const want = "a mark such as 1 or 0x1/0xff"
	t, problem := p.value(w, want)
	if problem != nil {
		return nil, problem
	}
	text, maskText, masked := strings.Cut(t.text, "/")
	value, err := parseNumber(text, 32)
	mask := uint64(^uint32(0))
	if masked && err == nil {
		mask, err = parseNumber(maskText, 32)
	}
	if err != nil {
		return nil, p.fail(t, w.Name+" wants "+want, "%s is not a mark", quote(t))
	}
	if value&^mask != 0 {
		return nil, p.fail(t, "", "no mark can be %s: the value has bits that the mask leaves out", quote(t))
	}
	return markTest{is, uint32(value), uint32(mask)}, nil
}
