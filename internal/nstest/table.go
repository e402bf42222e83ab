package nstest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/closewait/closewait/tcp"
)

// table is the content of /proc/net/tcp and /proc/net/tcp6.
type table []Expected

// readTable reads the tables of the calling thread's namespace.
func readTable(t testing.TB) table {
	t.Helper()
	var rows table
	for path, family := range map[string]tcp.Family{"/proc/thread-self/net/tcp": tcp.IPv4, "/proc/thread-self/net/tcp6": tcp.IPv6} {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && family == tcp.IPv6 {
			continue // a kernel without IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, line := range lines[1:] {
			row, err := parseRow(family, line)
			if err != nil {
				t.Fatalf("%s: %v in %q", path, err, line)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (rows table) find(want Expected) (Expected, bool) {
	for _, row := range rows {
		if row.Family == want.Family && row.Local == want.Local && row.Peer == want.Peer {
			return row, true
		}
	}
	return Expected{}, false
}

// shows reports whether a row is as expected, but for what the tables do not hold.
func (e Expected) shows(want Expected) bool {
	if want.State == tcp.Listen {
		want.SendQueue = 0
	}
	want.FD = e.FD
	return e == want
}

// parseRow reads "sl local rem st tx:rx tr:when retrnsmt uid timeout inode ...".
func parseRow(family tcp.Family, line string) (Expected, error) {
	columns := strings.Fields(line)
	if len(columns) < 10 {
		return Expected{}, fmt.Errorf("%d columns", len(columns))
	}
	var errs []error
	number := func(text string, base int) uint64 {
		n, err := strconv.ParseUint(text, base, 32)
		errs = append(errs, err)
		return n
	}
	address := func(text string) netip.AddrPort {
		addr, err := parseHexAddress(text)
		errs = append(errs, err)
		return addr
	}
	send, receive, _ := strings.Cut(columns[4], ":")
	timer, _, _ := strings.Cut(columns[5], ":")
	row := Expected{
		Family: family, Local: address(columns[1]), Peer: address(columns[2]),
		State: tcp.State(number(columns[3], 16)), Timer: tcp.TimerKind(number(timer, 16)),
		SendQueue: uint32(number(send, 16)), RecvQueue: uint32(number(receive, 16)),
		Inode: uint32(number(columns[9], 10)), FD: -1, Listed: true,
	}
	return row, errors.Join(errs...)
}

// parseHexAddress reads "0100007F:1F90": the address as 32-bit words in the machine's byte order.
func parseHexAddress(text string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(text, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for word := raw; len(word) >= 4; word = word[4:] {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	addr, ok := netip.AddrFromSlice(raw)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("address of %d bytes", len(raw))
	}
	return netip.AddrPortFrom(addr, uint16(number)), nil
}
