package tcp_test

import (
	"fmt"

	"github.com/closewait/closewait/tcp"
)

func ExampleParseState() {
	for _, text := range []string{"CLOSE-WAIT", "CLOSE_WAIT", "close_wait"} { // ss, netstat, closewait
		s, err := tcp.ParseState(text)
		fmt.Println(s, s.SS(), err)
	}
	// Output:
	// close_wait CLOSE-WAIT <nil>
	// close_wait CLOSE-WAIT <nil>
	// close_wait CLOSE-WAIT <nil>
}

// A kernel before 5.4 sends 224 bytes of struct tcp_info, which end before the peer's window.
func ExampleInfo_Uint() {
	old := tcp.MakeInfo(make([]byte, 224))
	window, known := old.Uint(tcp.SndWnd)
	fmt.Println(window, known)
	unacked, known := old.Uint(tcp.Unacked)
	fmt.Println(unacked, known)
	// Output:
	// 0 false
	// 0 true
}

func ExampleSocket_Unaccepted() {
	s := tcp.Socket{State: tcp.CloseWait} // inode 0
	fmt.Println("waits in an accept queue:", s.Unaccepted())
	s.Inode = 4711
	fmt.Println("waits in an accept queue:", s.Unaccepted())
	// Output:
	// waits in an accept queue: true
	// waits in an accept queue: false
}
