package diagnose

import (
	"testing"
	"time"

	"github.com/closewait/closewait/tcp"
)

// TestOrigin: what a socket counts tells who connected, whatever the ports are.
func TestOrigin(t *testing.T) {
	counted := func(state tcp.State, local string, acked, sent, again, unacked uint64) tcp.Socket {
		return socket(state, time.Minute, between(local, "198.51.100.7:5121"), inode(7), cookie(7),
			info(tcp.BytesAcked, acked), info(tcp.BytesSent, sent), info(tcp.BytesRetrans, again), info(tcp.Unacked, unacked))
	}
	untold := socket(tcp.CloseWait, time.Minute, between("192.0.2.1:45000", "198.51.100.7:5121"), inode(7), cookie(7))
	tests := []struct {
		name                string
		socket              tcp.Socket
		ports               [2]uint16
		accepted, connected bool
	}{
		{"sent the SYN, from the port of a listener", counted(tcp.CloseWait, "192.0.2.1:80", 201, 200, 0, 0), [2]uint16{}, false, true},
		{"did not, and came through a listener", counted(tcp.CloseWait, "192.0.2.1:80", 200, 200, 0, 0), [2]uint16{}, true, false},
		{"did not, and the listener is gone", counted(tcp.CloseWait, "192.0.2.1:45000", 200, 200, 0, 0), [2]uint16{}, false, false},
		{"sent some twice", counted(tcp.Established, "192.0.2.1:700", 201, 300, 100, 0), [2]uint16{}, false, true},
		{"sent its FIN", counted(tcp.FinWait2, "192.0.2.1:700", 202, 200, 0, 0), [2]uint16{}, false, true},
		{"waits for an acknowledgement", counted(tcp.CloseWait, "192.0.2.1:700", 201, 200, 0, 1), [2]uint16{}, false, false},
		{"not told, by its port", untold, [2]uint16{}, false, true},
		{"not told, by a port the kernel does not choose here", untold, [2]uint16{50000, 60000}, false, false},
	}
	for _, test := range tests {
		sc := newScene(snapshot(test.socket, listening(0, 128)), nil)
		sc.now.Namespaces[0].Ports = test.ports
		l, connected := sc.origin(0, &sc.now.Namespaces[0].Sockets[0])
		if (l != nil) != test.accepted || connected != test.connected {
			t.Errorf("%s: accepted %t, connected %t", test.name, l != nil, connected)
		}
	}
}
