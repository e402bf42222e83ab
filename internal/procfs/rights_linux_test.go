package procfs_test

import (
	"os"
	"testing"

	"github.com/closewait/closewait/internal/procfs"
)

func TestFS_Rights(t *testing.T) {
	const first, other = "user:[4026531837]", "user:[4026532000]"
	tests := []struct {
		name, status, namespace, label string
		want                           procfs.Rights
	}{
		{"root, confined", "Name:\tx\nCapEff:\t000001ffffffffff\n", first, "docker-default (enforce)\n", procfs.Rights{Every: true, Label: "docker-default (enforce)"}},
		{"root of another user namespace", "CapEff:\t000001ffffffffff\n", other, "", procfs.Rights{}},
		{"without the right to trace", "CapEff:\t000001fffff7ffff\n", first, "unconfined\n", procfs.Rights{Short: true, Label: "unconfined"}},
		{"root of a container", "CapEff:\t00000000a80425fb\n", first, "", procfs.Rights{Short: true}},
		{"without the right to enter", "CapEff:\t000001ffffdfffff\n", first, "", procfs.Rights{Every: true, Short: true}},
		{"nobody", "CapEff:\t0000000000000000\n", first, "", procfs.Rights{Short: true}},
		{"no such line", "Name:\tx\n", first, "", procfs.Rights{Short: true}},
	}
	for _, test := range tests {
		root := t.TempDir()
		write(t, root, map[string]string{"self/status": test.status, "self/ns/x": ""})
		if test.label != "" {
			write(t, root, map[string]string{"self/attr/current": test.label})
		}
		if err := os.Symlink(test.namespace, root+"/self/ns/user"); err != nil {
			t.Fatal(err)
		}
		if got := procfs.New(root).Rights(); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
