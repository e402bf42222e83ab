package procfs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/procfs"
)

const limits = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max processes             96343                96343                processes 
Max open files            20000                1048576              files     
Max locked memory         8388608              8388608              bytes     
`

func TestParseLimits(t *testing.T) {
	for _, test := range []struct {
		text string
		want int
		ok   bool
	}{
		{limits, 20000, true},
		{strings.Replace(limits, "20000 ", "unlimited ", 1), -1, true},
		{strings.Replace(limits, "20000 ", "many ", 1), -1, false},
		{"", -1, false},
		{"Max open files", -1, false},
	} {
		got, err := procfs.ParseLimits(strings.NewReader(test.text))
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("%q: %d, %v; want %d", test.text, got, err, test.want)
		}
	}
}

func FuzzParseLimits(f *testing.F) {
	f.Add(limits, uint32(1024))
	f.Add("Max open files\n", uint32(0))
	f.Fuzz(func(t *testing.T, text string, n uint32) {
		_, _ = procfs.ParseLimits(strings.NewReader(text))
		line := fmt.Sprintf("%-25s %-20d %-20s %-10s\n", "Max open files", n>>1, "unlimited", "files") // as proc_pid_limits prints it
		if got, err := procfs.ParseLimits(strings.NewReader(line)); err != nil || got != int(n>>1) {
			t.Fatalf("%q: %d, %v", line, got, err)
		}
	})
}
