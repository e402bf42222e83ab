package nstest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/tcp"
)

// SSSocket is a socket as ss(8) prints it.
//
// ss leaves out most fields that are zero: a key that Info lacks is 0 or was not sent by the kernel. Of its options' output only that
// of -t -a -n -o -i -e -m -O is understood.
type SSSocket struct {
	Family               tcp.Family
	State                tcp.State
	RecvQueue, SendQueue uint32 // negative numbers, which ss prints above 2^31, are taken for what they were
	Local, Peer          netip.AddrPort
	Device               string // the device the socket is bound to
	Timer                SSTimer
	UID                  uint32
	Inode                uint32
	Cookie               tcp.Cookie
	Cgroup               string       // path in the cgroup file system, "unreachable:<id>", or empty for mini sockets
	Shutdown             tcp.Shutdown // from "-->" and the like; 0 as well when not printed
	// Info has what ss prints after that, under ss's names: "rto" is "204", "rtt" "0.028/0.014" (milliseconds), "retrans" "0/3", "skmem" the text in its
	// parentheses, "send", "pacing_rate" and "delivery_rate" end in "bps". Words alone (ts, sack, app_limited) have the value "". The congestion control is under
	// "congestion".
	Info map[string]string
}

// SSTimer is a timer as ss(8) prints it.
type SSTimer struct {
	Kind tcp.TimerKind
	// Text is the time as printed: "59sec", "1min12sec", "119min", "9.004sec", "196ms", or empty for 0.
	Text string
	// Min and Max are the shortest and the longest time that print like that: ss leaves out milliseconds above 9 s and seconds above 9 min.
	Min, Max time.Duration
	Count    uint8
}

// Uint returns an unsigned number of Info, 0 when it is not there, as ss prints nothing for 0. A unit "ms" is dropped.
func (s *SSSocket) Uint(key string) (uint64, error) {
	text, ok := s.Info[key]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "ms"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("ss: %s:%q is not a number", key, text)
	}
	return n, nil
}

// SS runs ss -HOtanoiem in the calling thread's namespace, with more arguments (a filter) if wanted, and returns its answer. The filter must
// not be for a single state: ss then leaves the state out.
func SS(t testing.TB, args ...string) []SSSocket {
	t.Helper()
	path, err := exec.LookPath("ss")
	if err != nil {
		Missing(t, "ss (package iproute2)")
	}
	out, err := exec.Command(path, append([]string{"-HOtanoiem"}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("ss: %v: %s", err, exit.Stderr)
		}
		t.Fatalf("ss: %v", err)
	}
	sockets, err := ParseSS(strings.NewReader(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return sockets
}

// ParseSS reads the output of ss -tanoie, with or without -i, -m, -H and -O. What it does not understand is an error, not skipped.
func ParseSS(r io.Reader) ([]SSSocket, error) {
	var sockets []SSSocket
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		var err error
		switch {
		case number == 1 && strings.HasPrefix(line, "State "):
			// the header
		case strings.HasPrefix(line, "\t") && len(sockets) > 0:
			err = sockets[len(sockets)-1].details(strings.Fields(line))
		default:
			var s SSSocket
			s, err = parseSSLine(strings.Fields(line))
			sockets = append(sockets, s)
		}
		if err != nil {
			return nil, fmt.Errorf("ss line %d: %w: %q", number, err, line)
		}
	}
	return sockets, lines.Err()
}

// parseSSLine reads "State Recv-Q Send-Q Local:Port Peer:Port" and what follows.
func parseSSLine(columns []string) (SSSocket, error) {
	s := SSSocket{Info: map[string]string{}}
	if len(columns) < 5 {
		return s, fmt.Errorf("%d columns", len(columns))
	}
	var err error
	if s.State, err = tcp.ParseState(columns[0]); err != nil {
		if _, number := parseQueue(columns[0]); number == nil {
			err = errors.New("no State column: ss leaves it out when its filter allows one state only")
		}
		return s, err
	}
	if s.RecvQueue, err = parseQueue(columns[1]); err != nil {
		return s, err
	}
	if s.SendQueue, err = parseQueue(columns[2]); err != nil {
		return s, err
	}
	if err := s.addresses(columns[3], columns[4]); err != nil {
		return s, err
	}
	return s, s.details(columns[5:])
}

func parseQueue(text string) (uint32, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		return 0, fmt.Errorf("queue length %q", text)
	}
	return uint32(n), nil
}

func (s *SSSocket) addresses(local, peer string) error {
	var err error
	if s.Local, s.Device, s.Family, err = parseSSAddress(local); err != nil {
		return err
	}
	var device string
	var family tcp.Family
	if s.Peer, device, family, err = parseSSAddress(peer); err != nil {
		return err
	}
	if device != "" || family != s.Family {
		return fmt.Errorf("peer %s of %s", peer, local)
	}
	return nil
}

// parseSSAddress reads 127.0.0.1%lo:80, [::1]:80, [::]:80 (v6only), *:80 (an IPv6 socket for both families), and port * for 0.
func parseSSAddress(text string) (netip.AddrPort, string, tcp.Family, error) {
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return netip.AddrPort{}, "", 0, fmt.Errorf("address %q", text)
	}
	host, device, _ := strings.Cut(text[:colon], "%")
	port, err := uint64(0), error(nil)
	if text[colon+1:] != "*" {
		port, err = strconv.ParseUint(text[colon+1:], 10, 16)
	}
	if err != nil {
		return netip.AddrPort{}, "", 0, fmt.Errorf("port of address %q", text)
	}
	family := tcp.IPv4
	switch {
	case host == "*":
		family, host = tcp.IPv6, "::"
	case strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]"):
		family, host = tcp.IPv6, host[1:len(host)-1]
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() != (family == tcp.IPv4) || addr.Zone() != "" {
		return netip.AddrPort{}, "", 0, fmt.Errorf("address %q", text)
	}
	return netip.AddrPortFrom(addr, uint16(port)), device, family, nil
}

// ssPair is a detail of the form key:value. ssSpaced are those that ss prints with a blank in place of the colon, ssWords those without value.
var (
	ssPair   = regexp.MustCompile(`^([a-z][a-z0-9_-]*):(.+)$`)
	ssWord   = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	ssSpaced = map[string]bool{"send": true, "pacing_rate": true, "delivery_rate": true}
	ssWords  = map[string]bool{
		"ts": true, "usec_ts": true, "sack": true, "ecn": true, "ecnseen": true, "fastopen": true, "bidir": true, "app_limited": true,
	}
	ssArrows = map[string]tcp.Shutdown{
		"<->": 0, "-->": tcp.ShutdownReceive, "<--": tcp.ShutdownSend, "---": tcp.ShutdownReceive | tcp.ShutdownSend,
	}
)

// details reads what follows the addresses.
func (s *SSSocket) details(words []string) error {
	for i := 0; i < len(words); i++ {
		word := words[i]
		if shutdown, ok := ssArrows[word]; ok {
			s.Shutdown = shutdown
			continue
		}
		key, value := word, ""
		switch pair := ssPair.FindStringSubmatch(word); {
		case pair != nil:
			key, value = pair[1], pair[2]
		case ssSpaced[word] && i+1 < len(words) && strings.HasSuffix(words[i+1], "bps"):
			i++
			value = words[i]
		case ssWords[word] || strings.HasPrefix(word, "tcp-ulp-"):
		case ssWord.MatchString(word) && s.Info["congestion"] == "":
			key, value = "congestion", word
		default:
			return fmt.Errorf("unknown word %q", word)
		}
		if err := s.detail(key, value); err != nil {
			return err
		}
	}
	return nil
}

// detail puts one detail where it belongs.
func (s *SSSocket) detail(key, value string) error {
	if _, twice := s.Info[key]; twice {
		return fmt.Errorf("%s twice", key)
	}
	var err error
	switch key {
	case "timer":
		s.Timer, err = parseSSTimer(value)
	case "uid":
		s.UID, err = parseUint32(value)
	case "ino":
		s.Inode, err = parseUint32(value)
	case "sk":
		var cookie uint64
		cookie, err = strconv.ParseUint(value, 16, 64)
		s.Cookie = tcp.Cookie(cookie)
	case "cgroup":
		s.Cgroup = value
	case "skmem":
		if !strings.HasPrefix(value, "(") || !strings.HasSuffix(value, ")") {
			return fmt.Errorf("skmem:%s", value)
		}
		s.Info[key] = value[1 : len(value)-1]
	default:
		s.Info[key] = value
	}
	return err
}

func parseUint32(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err
}

// parseSSTimer reads "(keepalive,119min,0)".
func parseSSTimer(text string) (SSTimer, error) {
	parts := strings.Split(text, ",")
	if len(parts) != 3 || !strings.HasPrefix(text, "(") || !strings.HasSuffix(text, ")") {
		return SSTimer{}, fmt.Errorf("timer %q", text)
	}
	timer := SSTimer{Text: parts[1]}
	var err error
	if timer.Kind, err = tcp.ParseTimerKind(parts[0][1:]); err != nil {
		return SSTimer{}, err
	}
	if timer.Min, timer.Max, err = parseSSTime(timer.Text); err != nil {
		return SSTimer{}, err
	}
	count, err := strconv.ParseUint(strings.TrimSuffix(parts[2], ")"), 10, 8)
	timer.Count = uint8(count)
	return timer, err
}

// ssTime takes "9.004sec" of later versions and "9.004ms" of earlier ones for the same.
var ssTime = regexp.MustCompile(`^(?:(\d+)min)?(?:(\d+)(?:sec|\.(\d{3})(?:sec|ms)))?(?:(\d{3})ms)?$`)

// parseSSTime undoes print_ms_timer of ss.c.
func parseSSTime(text string) (shortest, longest time.Duration, err error) {
	parts := ssTime.FindStringSubmatch(text)
	if parts == nil {
		return 0, 0, fmt.Errorf("time %q", text)
	}
	number := func(i int) time.Duration {
		if parts[i] == "" || err != nil {
			return 0
		}
		var n uint64
		n, err = strconv.ParseUint(parts[i], 10, 32)
		return time.Duration(n)
	}
	minutes, seconds, millis := number(1), number(2), number(3)+number(4)
	shortest = minutes*time.Minute + seconds*time.Second + millis*time.Millisecond
	longest = shortest
	switch {
	case minutes > 9:
		longest += time.Minute - time.Millisecond
	case minutes > 0 || seconds > 9:
		longest += time.Second - time.Millisecond
	}
	return shortest, longest, err
}
