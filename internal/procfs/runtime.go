package procfs

import (
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// runtimeThreads are how the names begin that HotSpot gives to its own threads (src/hotspot/share in JDK 11 to 21), as the kernel keeps them: 15 bytes. The compilers, the collectors of garbage and the timers of the virtual machine
// wait for locks all day long and serve nobody; its class library has one that waits for the end of each program that was started.
var runtimeThreads = []string{
	"VM Thread", "VM Periodic Tas", "process reaper", "Reference Handl", "Finalizer", "Common-Cleaner", "Signal Dispatch", "Service Thread", "Monitor Deflati", "Notification Th", "Attach Listener", "Sweeper thread",
	"C1 CompilerThre", "C2 CompilerThre", "JVMCI CompilerT", "GC Thread#", "G1 Main Marker", "G1 Conc#", "G1 Refine#", "G1 Service", "G1 Young RemSet", "Shenandoah Cont", "Shenandoah GC T",
	"RuntimeWorker#", "ZDirector", "ZDriver", "ZStat", "ZUncommitter", "ZUnmapper", "ZWorker", "XDirector", "XDriver", "XStat", "XUncommitter", "XUnmapper", "XWorker",
}

// markRuntime marks the threads that belong to a Java virtual machine itself. Names alone prove nothing: a process that is none has no two threads which every one of them has.
func markRuntime(threads []look.Thread) {
	has := func(name string) bool {
		return slices.ContainsFunc(threads, func(t look.Thread) bool { return t.Comm == name })
	}
	if !has("VM Thread") || !has("Signal Dispatch") {
		return
	}
	for i := range threads {
		threads[i].Runtime = slices.ContainsFunc(runtimeThreads, func(name string) bool { return strings.HasPrefix(threads[i].Comm, name) })
	}
}
