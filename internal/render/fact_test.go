package render

import (
	"testing"

	"github.com/closewait/closewait/internal/report"
)

// TestFinding_namespace: the same addresses in two namespaces are told apart, and the host's is not named.
func TestFinding_namespace(t *testing.T) {
	named := func(name *string, pid *int) *report.Netns { return &report.Netns{Inode: 7, Name: name, PID: pid} }
	for _, test := range []struct {
		netns *report.Netns
		want  string
	}{
		{nil, ""},
		{named(new("host"), new(1)), ""},
		{named(new("blue"), new(7)), "netns blue"},
		{named(nil, new(311)), "netns of pid 311"},
		{named(nil, nil), ""},
	} {
		f := finding{&report.Finding{Netns: test.netns}, &page{}}
		if got := f.namespace(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.netns, got, test.want)
		}
	}
}
