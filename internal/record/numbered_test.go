package record_test

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/tcp"
)

// TestParse_numbered reads what grep numbered and what a terminal broke.
func TestParse_numbered(t *testing.T) {
	const (
		closeWait = "CLOSE-WAIT 1 0 10.0.0.3:80 203.0.113.9:5121"
		netstat   = "tcp        0      1 10.0.0.3:80   203.0.113.9:5121  CLOSE_WAIT  on (110.84/13/0)"
		broken    = "tcp        0      1 10.0.0.3:80             203.0.113.9:5121        CLOSE_WAIT  \n"
		proc      = "   0: 0300000A:0050 097100CB:1401 08 00000001:00000000 01:00002B4C 0000000D  1000        0 34 1 0 100 0 0 10 0"
	)
	for name, test := range map[string]struct {
		text    string
		sockets int
		skipped int // the line, 0 for none
	}{
		"grep -n":             {"7:" + netstat + "\n9:" + netstat, 2, 0},
		"grep -n -A":          {"7:" + closeWait + "\n8-\t cubic rto:204\n9-" + closeWait, 2, 0},
		"grep with a name":    {"ss.txt:" + closeWait + "\ndir/ss.txt:12:" + closeWait, 2, 0},
		"/proc/net/tcp":       {proc, 1, 0},
		"grep -n /proc":       {"2:" + proc, 1, 0},
		"broken":              {"CLOSE-WAIT 1 0 10.0.0.3:80\n     203.0.113.9:5121 timer:(on,1min50sec,13)\n" + closeWait, 2, 0},
		"broken, end missing": {closeWait + "\nCLOSE-WAIT 1 0 10.0.0.3:80\n" + closeWait, 2, 2},
		"broken at the end":   {closeWait + "\ntcp 1 0 10.0.0.3:80", 1, 2},
		"broken at column 80": {broken + "on (110.84/13/0)\n" + broken + "1234/java            on (110.84/13/0)\n" + broken + "-   on (110.84/13/0)", 3, 0},
		"a padded state":      {broken + broken + "udp 0 0 1.2.3.4:5 0.0.0.0:*\n" + broken, 3, 0},
		"a name":              {closeWait + "\nCLOSE-WAIT 1 0 web-03:http client:5121", 1, 2},
	} {
		snapshot, source, err := record.Parse(strings.NewReader(test.text), time.Time{}, record.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := len(snapshot.Namespaces[0].Sockets); n != test.sockets {
			t.Errorf("%s: %d sockets, want %d", name, n, test.sockets)
		}
		skipped := 0
		if len(source.Skipped.First) > 0 {
			skipped = source.Skipped.First[0].Line
		}
		if skipped != test.skipped {
			t.Errorf("%s: skipped line %d, want %d", name, skipped, test.skipped)
		}
		for i := range snapshot.Namespaces[0].Sockets {
			if s := &snapshot.Namespaces[0].Sockets[i]; strings.HasPrefix(name, "broken at column") && (s.State != tcp.CloseWait || s.Timer.Count != 13) {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}
