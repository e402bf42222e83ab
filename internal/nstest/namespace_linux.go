package nstest

import (
	"testing"

	"github.com/closewait/closewait/internal/stage"
)

// Namespace is a network namespace besides the one the tests run in. It lives until the end of the test that made it.
type Namespace struct {
	t       testing.TB
	network *stage.Network
}

// New makes a network namespace with its loopback device up.
func New(t testing.TB) *Namespace {
	t.Helper()
	Require(t)
	network, err := stage.Unshare()
	if err != nil {
		t.Fatal(err)
	}
	return own(t, network)
}

func own(t testing.TB, network *stage.Network) *Namespace {
	t.Cleanup(network.Close)
	return &Namespace{t, network}
}

// Do calls f with the calling thread in the namespace and returns when it is done. Goroutines that f starts do not inherit the namespace; processes it
// starts do, and see their parent's thread end with Do. FailNow, SkipNow and panics in f take effect in the caller.
func (ns *Namespace) Do(f func()) {
	ns.t.Helper()
	ns.check(ns.network.Do(f))
}

// Path returns a file of this process that, opened, is the namespace: for setns, or to pass on to what takes such a path.
func (ns *Namespace) Path() string { return ns.network.Path() }

// Inode returns the namespace's inode number, as in net:[4026531840].
func (ns *Namespace) Inode() uint64 {
	ns.t.Helper()
	inode, err := ns.network.Inode()
	ns.check(err)
	return inode
}

func (ns *Namespace) check(err error) {
	if err != nil {
		ns.t.Helper()
		ns.t.Fatal(err)
	}
}
