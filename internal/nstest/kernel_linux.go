package nstest

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// listsBound reports whether sock_diag lists bound sockets: since Linux 6.8 (inet_diag_dump_icsk).
func listsBound(t testing.TB) bool {
	t.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(name.Release[:])
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		t.Fatalf("kernel release %q: %v", release, err)
	}
	return major > 6 || major == 6 && minor >= 8
}
