package scenes

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"time"
)

// leak reads to the end and never closes. args: -, address, port.
func leak(args []string) {
	l, err := net.Listen("tcp", net.JoinHostPort(args[1], args[2]))
	if err != nil {
		panic(err)
	}
	for kept := []net.Conn{}; ; {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, c)
		kept = append(kept, c)
	}
}

// neverAccepts listens. args: address, port.
func neverAccepts(args []string) {
	l, err := net.Listen("tcp", net.JoinHostPort(args[0], args[1]))
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Hour)
	runtime.KeepAlive(l)
}

// relay passes on what comes, and each end of it. args: where to listen, where to connect.
func relay(args []string) {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		panic(err)
	}
	for {
		client, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go pass(client.(*net.TCPConn), args[1])
	}
}

func pass(client *net.TCPConn, to string) {
	defer client.Close()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.CloseWrite()
	}()
	_, _ = io.Copy(client, server)
}

// bodies makes requests one after another and leaves each answer open. args: URL, how many.
func bodies(args []string) {
	n, _ := strconv.Atoi(args[1])
	kept := make([]*http.Response, n)
	for i := range kept {
		kept[i], _ = http.Get(args[0]) //nolint:gosec,bodyclose // that is the bug
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Hour)
	runtime.KeepAlive(kept)
}

// web is a healthy server. args: address, port.
func web(args []string) {
	answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") }
	panic(http.ListenAndServe(net.JoinHostPort(args[0], args[1]), http.HandlerFunc(answer))) //nolint:gosec // its clients are ours
}
