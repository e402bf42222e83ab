package procfs_test

import (
	"testing"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
)

// TestMarkRuntime: the names are those that the kernel shows of an OpenJDK 17 with any of its collectors.
func TestMarkRuntime(t *testing.T) {
	own := []string{
		"VM Thread", "VM Periodic Tas", "process reaper ", "Signal Dispatch", "Reference Handl", "Finalizer", "Common-Cleaner", "Service Thread", "Monitor Deflati", "Notification Th", "Sweeper thread",
		"C1 CompilerThre", "C2 CompilerThre", "GC Thread#0", "G1 Main Marker", "G1 Conc#0", "G1 Refine#0", "G1 Service", "Shenandoah Cont", "Shenandoah GC T",
		"RuntimeWorker#1", "ZDirector", "ZDriver", "ZStat", "ZUncommitter", "ZUnmapper", "ZWorker#0",
	}
	programs := []string{"java", "pool-1-thread-1", "HTTP-Dispatcher", "idle-timeout-ta", "http-nio-8080-e", "GC watcher"}
	var threads []look.Thread
	for _, name := range append(own, programs...) {
		threads = append(threads, look.Thread{Comm: name})
	}
	procfs.MarkRuntime(threads)
	for i, thread := range threads {
		if thread.Runtime != (i < len(own)) {
			t.Errorf("%s: %v", thread.Comm, thread.Runtime)
		}
	}
	other := []look.Thread{{Comm: "Finalizer"}, {Comm: "VM Thread"}}
	if procfs.MarkRuntime(other); other[0].Runtime || other[1].Runtime {
		t.Error("two names make a virtual machine of any program")
	}
}
