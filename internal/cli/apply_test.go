package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/report"
)

// TestDrifted: a plan is for this host, for this boot, and for an hour.
func TestDrifted(t *testing.T) {
	here := report.Header{TakenAt: noon, Host: report.Host{Name: "web-03", BootID: ptr("b5a1")}}
	planned := func(change func(*report.Change)) *report.Change {
		c := &report.Change{Header: here, ChangeHead: report.ChangeHead{BootID: ptr("b5a1"), ExpiresAt: ptr(noon.Add(time.Minute))}}
		change(c)
		return c
	}
	for _, test := range []struct {
		name   string
		change func(*report.Change)
		want   string
	}{
		{"as it was", func(*report.Change) {}, ""},
		{"another host", func(c *report.Change) { c.Host.Name = "web-04" }, "on another host, web-04"},
		{"another boot", func(c *report.Change) { c.BootID = ptr("c6b2") }, "started anew"},
		{"expired", func(c *report.Change) { c.ExpiresAt = ptr(noon.Add(-time.Second)) }, "only good for an hour"},
		{"without an end", func(c *report.Change) { c.ExpiresAt = nil }, "only good for an hour"},
	} {
		if got := drifted(planned(test.change), here); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
