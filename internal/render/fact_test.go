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

// TestFinding_peer: a peer is said to do what the finding is about.
func TestFinding_peer(t *testing.T) {
	for code, want := range map[string]string{
		"CW201": "192.0.2.1:80 is silent for 20 s",
		"CW202": "192.0.2.1:80 does not read for 20 s",
		"CW205": "192.0.2.1:80 does not close for 20 s",
	} {
		f := finding{&report.Finding{Code: code}, &page{}}
		c := report.Culprit{What: "peer", Peer: &report.Endpoint{Address: "192.0.2.1", Port: 80}, SinceSeconds: new(report.Seconds(20e9))}
		if got := f.culprit(&c); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
