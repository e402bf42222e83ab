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
	one := &report.Endpoint{Address: "192.0.2.1", Port: 80}
	for _, test := range []struct {
		code string
		peer *report.Endpoint
		want string
	}{
		{"CW201", one, "192.0.2.1:80 is silent for 20 s"},
		{"CW202", one, "192.0.2.1:80 does not read for 20 s"},
		{"CW205", one, "192.0.2.1:80 does not close for 20 s"},
		{"CW201", nil, "the peers are silent for 20 s"},
	} {
		f := finding{&report.Finding{Code: test.code}, &page{}}
		if got := f.culprit(&report.Culprit{What: "peer", Peer: test.peer, SinceSeconds: new(report.Seconds(20e9))}); got != test.want {
			t.Errorf("%s: %q, want %q", test.code, got, test.want)
		}
	}
}
