package host_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// passed is what is compared of a socket.
type passed struct {
	state   tcp.State
	holders []look.Holder
	comm    string
	kind    forecast.Kind
	by      string
	options look.Options
}

// TestLook_passing: sockets that are handed on as they are read come with the same holders, options and ends as those that are kept.
func TestLook_passing(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		needsHolders(t)
		if nstest.Before(t, 6, 4) {
			t.Skip("kernels before 6.4 let no program read the tables of descriptors: holders are found last, and sockets kept until then")
		}
		nstest.StartHolder(t, 3000) // so many descriptors that a BPF program pays
		var made []nstest.Expected
		for _, name := range []string{"established_unacked", "established_keepalive", "established_unaccepted", "close_wait", "close_wait_keepalive", "listen_waiting", "time_wait", "fin_wait_1_orphan", "last_ack_orphan"} {
			for _, fam := range nstest.Families() {
				made = append(made, nstest.Build(t, name, fam).Subject)
			}
		}
		// One whose descriptor nobody has: it waits in a unix socket.
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pair[0])
		defer unix.Close(pair[1])
		lost := nstest.Build(t, "close_wait", nstest.Families()[0]).Subject
		if err := unix.Sendmsg(pair[0], nil, unix.UnixRights(lost.FD), nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := unix.Dup3(pair[0], lost.FD, unix.O_CLOEXEC); err != nil { // whoever closes it at the end closes this
			t.Fatal(err)
		}
		request := host.Request{Netns: []string{netnsPath()}, Holders: func(*tcp.Socket) bool { return true }, Options: true}
		var differences []string
		for range 4 { // a socket may come to its end between the two looks
			var count int
			if differences, count = streamedAndKept(t, request); len(differences) == 0 && count >= 3000+len(made) {
				break
			}
			differences = append(differences, fmt.Sprintf("%d sockets, made %d", count, 3000+len(made)))
		}
		for _, d := range differences {
			t.Error(d)
		}
		failed := errors.New("no more")
		request.Each = func(*host.Passing) error { return failed }
		if _, _, err := host.New(time.Now).Look(t.Context(), request); !errors.Is(err, failed) {
			t.Errorf("an error of Each: %v", err)
		}
	})
}

// streamedAndKept takes both looks and says in what they differ, and how many sockets were handed on.
func streamedAndKept(t *testing.T, request host.Request) (differences []string, count int) {
	t.Helper()
	streamed := map[tcp.Cookie]passed{}
	kept, _ := lookAt(t, request)
	request.Each = func(p *host.Passing) error {
		one := passed{state: p.Socket.State, holders: slices.Clone(p.Holders)}
		ends := p.Snapshot.Forecaster(p.Namespace).Passing(p.Socket, p.Options, p.PeerForgot)
		one.kind, one.by = ends.Kind, ends.By
		if p.Options != nil {
			one.options = optional(*p.Options)
		}
		if len(one.holders) > 0 {
			one.comm = p.Snapshot.Processes[one.holders[0].PID].Comm
		}
		streamed[p.Socket.Cookie] = one
		return nil
	}
	if s, _ := lookAt(t, request); s.Count() > 0 {
		t.Fatalf("%d sockets were kept", s.Count())
	}
	n := &kept.Namespaces[0]
	forecaster := kept.Forecaster(n)
	for i := range n.Sockets {
		s := &n.Sockets[i]
		ends := forecaster.Ends(i)
		want := passed{state: s.State, holders: kept.Holders.Of(s.Inode), kind: ends.Kind, by: ends.By, options: optional(n.Options[s.Cookie])}
		if len(want.holders) > 0 {
			want.comm = kept.Processes[want.holders[0].PID].Comm
		}
		got, ok := streamed[s.Cookie]
		if !ok || !slices.Equal(got.holders, want.holders) || got.state != want.state || got.comm != want.comm || got.kind != want.kind || got.by != want.by || got.options != want.options {
			differences = append(differences, fmt.Sprintf("%v %v: %+v, kept: %+v", s.State, s.Local, got, want))
		}
	}
	if len(streamed) != len(n.Sockets) {
		differences = append(differences, fmt.Sprintf("%d sockets, kept %d", len(streamed), len(n.Sockets)))
	}
	return differences, len(streamed)
}

// TestLook_passingNeighbour: what is known of the next hop comes with a socket that is handed on as well.
func TestLook_passingNeighbour(t *testing.T) {
	nstest.Require(t)
	near, _ := nstest.Pair(t)
	near.Do(func() {
		own := near.Address(nstest.Families()[0]).As4()
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		nobody := unix.SockaddrInet4{Port: 9, Addr: own}
		nobody.Addr[3] += 100
		if err := unix.Connect(fd, &nobody); !errors.Is(err, unix.EINPROGRESS) {
			t.Fatal(err)
		}
		for _, options := range []bool{false, true} {
			var states []forecast.NeighbourState
			request := host.Request{Netns: []string{netnsPath()}, Options: options, Each: func(p *host.Passing) error {
				states = append(states, p.Namespace.Neighbours[p.Socket.Cookie].State)
				return nil
			}}
			lookAt(t, request)
			if len(states) != 1 || states[0] != forecast.NeighbourAsked {
				t.Errorf("options %v: next hops %v, want one that is asked for", options, states)
			}
		}
	})
}
