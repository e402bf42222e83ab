package filter

import (
	"errors"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// portTest is "sport" and "dport". Low and high differ only for a range, which is compared for equality.
type portTest struct {
	side      tcp.Side
	is        comparison
	low, high uint16
}

func (n portTest) eval(row *look.Row) truth {
	port := endOf(row, n.side).Port()
	if n.is <= differs {
		return n.is.of(known(n.low <= port && port <= n.high))
	}
	return n.is.test(exactly(uint64(port), true), uint64(n.low))
}

// limits uses the three comparisons of the kernel and their negations.
func (n portTest) limits(holds bool) limits {
	switch n.is {
	case atLeast, less:
		return exactCondition(tcp.Port{Side: n.side, Is: tcp.AtLeast, Port: n.low}, holds == (n.is == atLeast))
	case atMost, greater:
		return exactCondition(tcp.Port{Side: n.side, Is: tcp.AtMost, Port: n.low}, holds == (n.is == atMost))
	}
	return exactCondition(portRange{n.low, n.high}.condition(n.side), holds == (n.is == equal))
}

func (n portTest) String() string {
	return [...]string{"sport ", "dport "}[n.side] + n.is.String() + " " + portRange{n.low, n.high}.String()
}

type portRange struct{ low, high uint16 }

var everyPort = portRange{0, 65535}

func (r portRange) condition(side tcp.Side) tcp.Condition {
	if r.low == r.high {
		return tcp.Port{Side: side, Is: tcp.Equal, Port: r.low}
	}
	return tcp.And{tcp.Port{Side: side, Is: tcp.AtLeast, Port: r.low}, tcp.Port{Side: side, Is: tcp.AtMost, Port: r.high}}
}

func (r portRange) String() string {
	text := ":" + strconv.Itoa(int(r.low))
	if r.high != r.low {
		text += "-" + strconv.Itoa(int(r.high))
	}
	return text
}

// parsePorts parses the rest of "sport" and "dport". As in ss the port may have a colon before it, a star before that, and a family before all.
func parsePorts(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, true)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "a port")
	if problem != nil {
		return nil, problem
	}
	family, text, problem := p.family(t)
	if problem != nil {
		return nil, problem
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "*:"), ":")
	if strings.ContainsAny(text, ".:[]") {
		return nil, p.fail(t, "write "+w.host()+" = "+quoteWord(t.text), "%s is more than a port", quote(t))
	}
	ports, problem := p.ports(t, text)
	if problem != nil {
		return nil, problem
	}
	if is > differs && ports.low != ports.high {
		return nil, p.fail(t, "a range is compared with = and != only", "%s cannot be compared with %s", quote(t), is)
	}
	switch {
	case family == 0 && (is > differs || ports != everyPort):
		return portTest{w.side, is, ports.low, ports.high}, nil
	case is > differs:
		return and(hostTest{w.side, equal, everyAddress(family), everyPort}, portTest{w.side, is, ports.low, ports.high}), nil
	}
	return newHostTest(w.side, is, everyAddress(family), ports), nil
}

// host is the word for the address of the end whose port w is.
func (w *word) host() string { return [...]string{"src", "dst"}[w.side] }

// ports reads a port, a range, or a star for all of them; text is the part of the token after the colon.
func (p *parser) ports(t token, text string) (portRange, *SyntaxError) {
	if text == "*" {
		return everyPort, nil
	}
	low, high := text, text
	if _, isService := services[strings.ToLower(text)]; !isService && strings.Contains(text, "-") {
		low, high, _ = strings.Cut(text, "-")
		if low == "" || high == "" {
			return portRange{}, p.fail(t, "a range has two ends, for example :8000-8080", "%s is neither a port nor a range", quote(t))
		}
	}
	first, problem := p.port(t, low)
	if problem != nil {
		return portRange{}, problem
	}
	last, problem := p.port(t, high)
	if problem != nil {
		return portRange{}, problem
	}
	if last < first {
		return portRange{}, p.fail(t, "write :"+high+"-"+low, "the range %s goes from the higher port to the lower", quote(t))
	}
	return portRange{first, last}, nil
}

func (p *parser) port(t token, text string) (uint16, *SyntaxError) {
	if port, ok := services[strings.ToLower(text)]; ok {
		return port, nil
	}
	n, err := parseNumber(text, 16)
	switch {
	case err == nil:
		return uint16(n), nil
	case errors.Is(err, errRange):
		return 0, p.fail(t, "ports go from 0 to 65535", "there is no port %s", text)
	case text == "":
		return 0, p.fail(t, "for example: sport = :443", "the port is missing in %s", quote(t))
	case strings.Contains(text, ","):
		return 0, p.fail(t, "write several tests with or, or a range such as :8000-8080", "%s is more than one port", quote(t))
	}
	hint := "write the port's number; the names known are those of common services, such as ssh, http, https, postgresql"
	if near := suggest(text, serviceNames()); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "? Otherwise " + hint
	}
	return 0, p.fail(t, hint, "unknown service %q", text)
}
