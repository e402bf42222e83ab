package cli

import (
	"testing"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

// TestOwnOf: the connection the user came in by is the one sshd names, or one held outside our session; what a shell or a service of our own session holds is not.
func TestOwnOf(t *testing.T) {
	line := []procfs.Ancestor{
		{PID: 900, Session: 700}, {PID: 800, Session: 700, SSHConnection: "2001:db8::1 4711 2001:db8::9 22"},
		{PID: 600, Session: 600, SSHConnection: "192.0.2.1 5121 192.0.2.9 22"}, {PID: 500, Session: 500, SSHConnection: "192.0.2.1 5121"},
	}
	row := func(local, peer string, pid int) *look.Row {
		s := &tcp.Socket{State: tcp.Established, Local: tcp.MustParseEndpoint(local), Peer: tcp.MustParseEndpoint(peer)}
		return &look.Row{Socket: s, Holders: []look.Holder{{PID: pid, FD: 3}}}
	}
	for _, test := range []struct {
		name string
		row  *look.Row
		want bool
	}{
		{"named, IPv6", row("[2001:db8::9]:22", "[2001:db8::1]:4711", 1), true},
		{"named, of an IPv6 socket", row("[::ffff:192.0.2.9]:22", "[::ffff:192.0.2.1]:5121", 1), true},
		{"the other way round", row("192.0.2.1:5121", "192.0.2.9:22", 1), false},
		{"held by sshd", row("192.0.2.9:2222", "192.0.2.1:9", 600), true},
		{"held by the shell", row("192.0.2.9:2222", "192.0.2.1:9", 800), false},
		{"held by somebody else", row("192.0.2.9:2222", "192.0.2.1:9", 601), false},
	} {
		if got := ownOf(line)(test.row); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	listener := row("192.0.2.9:22", "0.0.0.0:0", 600)
	listener.Socket.State = tcp.Listen
	if ownOf(line)(listener) || ownOf(nil)(row("192.0.2.9:22", "192.0.2.1:9", 600)) {
		t.Error("a listener, or nobody's")
	}
}
