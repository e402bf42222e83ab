package explain

import (
	"strings"
	"testing"

	"github.com/closewait/closewait/tcp"
)

// TestDiagram marks each state once and those before it, and moves nothing.
func TestDiagram(t *testing.T) {
	plain := strings.Join(Diagram(tcp.Bound, SideUnknown), "\n")
	if strings.ContainsAny(plain, "[]") {
		t.Errorf("marks without a state:\n%s", plain)
	}
	for state, label := range labels {
		marked := strings.Join(Diagram(state, Accepted), "\n")
		if strings.Count(marked, "["+label+"]") != 1 {
			t.Errorf("%s is not marked once:\n%s", label, marked)
		}
		for _, earlier := range before[state] {
			if !strings.Contains(marked, "("+labels[earlier]+")") {
				t.Errorf("%s: %s is not marked", label, labels[earlier])
			}
		}
		if through := strings.Contains(marked, "(SYN_RECV)"); through != (state == tcp.Established || len(before[state]) > 0) {
			t.Errorf("%s: through SYN_RECV %v", label, through)
		}
		lines := strings.Split(plain, "\n")
		for i, line := range strings.Split(marked, "\n") {
			if len(line) > 77 || len(strings.TrimRight(line, ")]")) != len(strings.TrimRight(lines[i], ")]")) && len(line) != len(lines[i])+1 {
				t.Errorf("%s: line %d has another length: %q", label, i, line)
			}
		}
	}
	if client := strings.Join(Diagram(tcp.CloseWait, Connected), "\n"); !strings.Contains(client, "(SYN_SENT)") || strings.Contains(client, "(SYN_RECV)") {
		t.Error("a client did not come through SYN_SENT")
	}
}
