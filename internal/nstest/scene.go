package nstest

import "testing"

// Scene is a way to bring a socket into a state.
type Scene struct {
	// Name is the state and, after it, what is particular: "close_wait_unread".
	Name string
	// Build makes the sockets in the calling thread's namespace, on loopback, and waits until the kernel shows them as promised.
	Build func(t testing.TB, fam Family) Made
}

// Scenes returns all scenes. In the descriptions "the peer is deaf" means that the path loses every packet to it.
func Scenes() []Scene {
	scenes := []Scene{
		{"established", established},
		{"established_unacked", establishedUnacked},     // sent data, the peer is deaf
		{"established_keepalive", establishedKeepalive}, // SO_KEEPALIVE is on
		{"established_unaccepted", establishedUnaccepted},
		{"syn_sent", synSent},         // the listener is deaf
		{"syn_received", synReceived}, // half open: the client is deaf to the SYN-ACK
		{"fin_wait_1", finWait1},      // shut down, the peer is deaf
		{"fin_wait_1_orphan", finWait1Orphan},
		{"fin_wait_2", finWait2},                 // shut down, the peer keeps CLOSE_WAIT
		{"fin_wait_2_mini", finWait2Mini},        // closed: a stand-in without a full socket
		{"fin_wait_2_orphan", finWait2Orphan},    // closed with TCP_LINGER2 above 60 s: a full socket
		{"time_wait", timeWait},                  // closed, then the peer closed
		{"close_wait", closeWait},                // drained: everything was read, the FIN too
		{"close_wait_eof", closeWaitEOF},         // the FIN was not read
		{"close_wait_unread", closeWaitUnread},   // 1000 bytes and the FIN were not read
		{"close_wait_unacked", closeWaitUnacked}, // sent data, the peer is deaf
		{"close_wait_zero_window", closeWaitZeroWindow},
		{"close_wait_zero_window_vanished", closeWaitZeroWindowVanished}, // and the peer went deaf: a probe was not answered
		{"close_wait_keepalive", closeWaitKeepalive},                     // drained, SO_KEEPALIVE is on
		{"close_wait_unaccepted", closeWaitUnaccepted},                   // with 8 bytes and the FIN
		{"last_ack", lastAck},                                            // shut down in CLOSE_WAIT, the peer is deaf
		{"last_ack_orphan", lastAckOrphan},
		{"closing", closing}, // both ends shut down, the peer is deaf
		{"closing_orphan", closingOrphan},
		{"listen", listenIdle},
		{"listen_waiting", listenWaiting}, // 3 connections wait, backlog 8
		{"listen_full", listenFull},       // one more than the backlog of 1, the next client cannot connect
		{"bound", bound},                  // to a port, neither listening nor connected
		{"dead", dead},                    // connected, reset by the peer, still open
		{"dead_close_wait", deadCloseWait},
		{"dead_bound", deadBound}, // like dead, but it keeps the port it was bound to
		{"unconnected", unconnected},
	}
	for i, scene := range scenes {
		scenes[i].Build = func(t testing.TB, fam Family) Made {
			t.Helper()
			m := scene.Build(t, fam)
			settle(t, m)
			return m
		}
	}
	return scenes
}

// Build builds the scene of a name; there must be one.
func Build(t testing.TB, name string, fam Family) Made {
	t.Helper()
	for _, scene := range Scenes() {
		if scene.Name == name {
			return scene.Build(t, fam)
		}
	}
	t.Fatalf("nstest has no scene %q", name)
	return Made{}
}
