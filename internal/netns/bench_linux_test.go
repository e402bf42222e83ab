package netns_test

import (
	"testing"

	"github.com/closewait/closewait/internal/netns"
)

// BenchmarkDo makes a namespace: it wants root, or to be started by "unshare -Ur".
func BenchmarkDo(b *testing.B) {
	own, err := netns.DefaultRoots().OpenPath("/proc/self/ns/net")
	if err != nil {
		b.Fatal(err)
	}
	defer own.Close()
	for name, f := range map[string]*netns.File{"own": own, "other": newNamespace(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Do(func() error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
