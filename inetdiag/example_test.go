package inetdiag_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/netip"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/tcp"
)

// Lists the sockets that wait for their program to close them, with the time since the peer was last heard.
func ExampleConn_Dump() {
	conn, err := inetdiag.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	query := inetdiag.Query{States: tcp.SetOf(tcp.CloseWait), Extensions: inetdiag.WithInfo}
	stats, err := conn.Dump(context.Background(), query, func(s *tcp.Socket) error {
		if quiet, known := s.Info.Duration(tcp.LastAckRecv); known && quiet > time.Hour {
			fmt.Println(s.Local, s.Peer, quiet)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("interrupted:", stats.Interrupted)
	// Output: interrupted: false
}

// The kernel itself leaves out what does not match.
func ExampleCompile() {
	code, err := inetdiag.Compile(tcp.And{
		tcp.Prefix{Side: tcp.PeerSide, Prefix: netip.MustParsePrefix("10.0.0.0/8")},
		tcp.Not{Condition: tcp.Port{Side: tcp.PeerSide, Port: 443}},
	})
	fmt.Println(len(code), "bytes", err)
	// Output: 32 bytes <nil>
}

// Destroy tells apart what happened by the errors of the standard library.
func ExampleConn_Destroy() {
	conn, err := inetdiag.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	gone := tcp.Socket{
		Family: tcp.IPv4, Cookie: 1, // a cookie no socket has any more
		Local: tcp.MustParseEndpoint("192.0.2.1:80"), Peer: tcp.MustParseEndpoint("198.51.100.7:5121"),
	}
	switch err := conn.Destroy(context.Background(), &gone); {
	case err == nil:
		fmt.Println("destroyed")
	case errors.Is(err, fs.ErrNotExist):
		fmt.Println("gone already")
	case errors.Is(err, fs.ErrPermission):
		fmt.Println("needs CAP_NET_ADMIN")
	case errors.Is(err, errors.ErrUnsupported):
		fmt.Println("needs CONFIG_INET_DIAG_DESTROY")
	}
	// Output: gone already
}
