package procfs

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// ParseCounters parses /proc/PID/net/netstat or snmp: pairs of lines, the names and below them the values (netstat_seq_show and snmp_seq_show in
// net/ipv4/proc.c). The keys are "TcpExt.ListenOverflows", "Tcp.CurrEstab". A pair that does not match, and a value that is not a number, are skipped.
func ParseCounters(r io.Reader) (map[string]int64, error) {
	counters := map[string]int64{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxText)
	var names []string
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if len(names) == 0 || words[0] != names[0] {
			names = words
			continue
		}
		addCounters(counters, names, words)
		names = nil
	}
	return counters, opError("parse counters", "", lines.Err())
}

func addCounters(counters map[string]int64, names, values []string) {
	group, ok := strings.CutSuffix(names[0], ":")
	if !ok || len(names) != len(values) {
		return
	}
	for i := 1; i < len(names); i++ {
		if n, err := strconv.ParseInt(values[i], 10, 64); err == nil {
			counters[group+"."+names[i]] = n
		}
	}
}
