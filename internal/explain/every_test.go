package explain

import (
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// TestFind_everything: every code of the contract, its cause and every state of a socket have a page.
func TestFind_everything(t *testing.T) {
	for i, code := range report.Codes() {
		page, err := Find(code)
		if err != nil || page.Name != code {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if byCause, err := Find(report.CauseNames()[i]); err != nil || byCause.Name != code {
			t.Errorf("%s: %v, %v", report.CauseNames()[i], byCause, err)
		}
	}
	for s := tcp.Established; s <= tcp.Bound; s++ {
		for _, name := range []string{s.String(), s.SS()} {
			if _, err := Find(name); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestText_diagram: the page on states shows the diagram as it is drawn elsewhere.
func TestText_diagram(t *testing.T) {
	page, err := Find("states")
	if err != nil {
		t.Fatal(err)
	}
	text := page.Text(Facts{})
	for _, line := range Diagram(tcp.Bound, SideUnknown) {
		if !strings.Contains(text, "  "+line+"\n") {
			t.Errorf("the page lacks %q", line)
		}
	}
}
