package host_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// TestLook_inner: a container that has the network of the host and a pid namespace of its own sees sockets whose holders its /proc does not show. They are nobody's only where /proc shows everybody.
func TestLook_inner(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		server, client := nstest.Connect(t, nstest.IPv4)
		client.Close()
		server.Await(tcp.CloseWait)
		for namespace, complete := range map[string]bool{"pid:[4026531836]": true, "pid:[4026532401]": false} {
			dir := newReused(t).dir // no process is in it but the first, who has nothing
			for _, name := range []string{"fd", "ns"} {
				if err := os.MkdirAll(filepath.Join(dir, "1", name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(namespace, filepath.Join(dir, "1/ns/pid")); err != nil {
				t.Fatal(err)
			}
			request := host.Request{Netns: []string{netnsPath()}, Holders: func(s *tcp.Socket) bool { return s.Inode == server.Inode() }, NoBPF: true}
			var s *look.Snapshot
			nstest.Eventually(t, func() (bool, any) { // one that was active a moment ago may have been closed since
				var err error
				if s, _, err = host.OnProc(dir).Look(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				return s.HoldersComplete == complete, namespace
			})
			told := slices.ContainsFunc(s.Missing, func(m look.Missing) bool { return m.Code == "CW501" && strings.Contains(m.Message, "pid namespace") })
			if told == complete {
				t.Errorf("%s: missing %+v", namespace, s.Missing)
			}
		}
	})
}
