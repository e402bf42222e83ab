package netns_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/netns"
)

// fakeLookup answers from tables.
type fakeLookup struct {
	pids  map[int]uint64
	paths map[string]uint64
}

func (f fakeLookup) PID(pid int) (uint64, string, error) {
	if inode := f.pids[pid]; inode != 0 {
		return inode, "/proc/N/ns/net", nil
	}
	return 0, "", fs.ErrNotExist
}

func (f fakeLookup) Path(path string) (uint64, error) {
	if inode := f.paths[path]; inode != 0 {
		return inode, nil
	}
	return 0, netns.ErrNotNamespace
}

var (
	host   = netns.Namespace{Inode: 10, Name: "host", PID: 1, Path: "/proc/1/ns/net"}
	blue   = netns.Namespace{Inode: 11, Name: "blue", Path: "/run/netns/blue"}
	number = netns.Namespace{Inode: 12, Name: "42", Path: "/run/netns/42"}
	pod    = netns.Namespace{Inode: 13, PID: 900, Path: "/proc/900/ns/net"}
	listed = []netns.Namespace{host, blue, number, pod}
	lookup = fakeLookup{map[int]uint64{900: 13, 42: 13, 77: 99}, map[string]uint64{"/run/netns/blue": 11, "/tmp/other": 98}}
)

func TestSelect(t *testing.T) {
	hidden := netns.Namespace{Inode: 99, PID: 77, Path: "/proc/N/ns/net"}
	mounted := netns.Namespace{Inode: 98, Path: "/tmp/other"}
	for _, test := range []struct {
		name  string
		words []string
		want  []netns.Namespace
	}{
		{"nothing", nil, []netns.Namespace{host}},
		{"empty-words", []string{"", " , "}, []netns.Namespace{host}},
		{"host", []string{"host"}, []netns.Namespace{host}},
		{"all", []string{"all"}, listed},
		{"name", []string{"blue"}, []netns.Namespace{blue}},
		{"list", []string{"blue,host", "900"}, []netns.Namespace{blue, host, pod}},
		{"each-once", []string{"900", "all", "net:[13]"}, []netns.Namespace{pod, host, blue, number}},
		{"name-before-pid", []string{"42"}, []netns.Namespace{number}},
		{"hidden-pid", []string{"77"}, []netns.Namespace{hidden}},
		{"path", []string{"/run/netns/blue"}, []netns.Namespace{blue}},
		{"path-not-listed", []string{"/tmp/other"}, []netns.Namespace{mounted}},
		{"inode", []string{"net:[11]"}, []netns.Namespace{blue}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := netns.Select(listed, test.words, lookup)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestSelect_named: what is listed only by its name gets the process that was asked for.
func TestSelect_named(t *testing.T) {
	own := netns.Namespace{Inode: 13, Path: "/proc/5/task/6/ns/net"}
	got, err := netns.Select([]netns.Namespace{own, host}, []string{"900"}, lookup)
	if want := (netns.Namespace{Inode: 13, PID: 900, Path: own.Path}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestOnlyProcesses(t *testing.T) {
	for text, want := range map[string]bool{"12": true, "12,7": true, "12 900": true, "": false, "host": false, "12,host": false, "12,": false, "/proc/12/ns/net": false, "12 all": false} {
		if got := netns.OnlyProcesses(strings.Fields(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestSelect_unknown(t *testing.T) {
	for word, want := range map[string]error{
		"green": fs.ErrNotExist, "net:[5]": fs.ErrNotExist, "4711": fs.ErrNotExist, "/nowhere": netns.ErrNotNamespace, "-1": fs.ErrNotExist,
	} {
		_, err := netns.Select(listed, []string{"host", word}, lookup)
		var op *netns.OpError
		if !errors.Is(err, want) || !errors.As(err, &op) || op.Path != word {
			t.Errorf("%q: %v; want an OpError that is %v", word, err, want)
		}
	}
	_, err := netns.Select(listed, []string{"green"}, lookup)
	if want := `select "green": file does not exist: there is "host", "blue", "42"`; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
	_, err = netns.Select([]netns.Namespace{pod}, []string{"host"}, lookup)
	if err == nil || !strings.Contains(err.Error(), "no namespace here has a name, 1 can be chosen") {
		t.Errorf("got %v", err)
	}
	var many []netns.Namespace
	for i := range 20 {
		many = append(many, netns.Namespace{Inode: uint64(i), Name: "n" + formatInode(uint64(i))})
	}
	_, err = netns.Select(many, []string{"green"}, lookup)
	if err == nil || !strings.HasSuffix(err.Error(), `"n7" and 12 more`) {
		t.Errorf("got %v", err)
	}
}
