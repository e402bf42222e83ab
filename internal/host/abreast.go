package host

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// hands is how much is read at once at most: a look is not to take more of a large host.
const hands = 4

// abreast does something for the numbers below n, in their order, several at a time.
func abreast(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, hands, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}
