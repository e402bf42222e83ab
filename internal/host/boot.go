package host

import (
	"errors"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/internal/setting"
)

// settings reads what concerns the settings of the host as a whole.
func (v *visit) settings() {
	if !v.request.Settings {
		return
	}
	running := map[string]string{}
	for _, s := range setting.All() {
		if value, err := v.host.sysctl.Get(s.Key()); err == nil {
			running[s.Key()] = value
		}
	}
	boot, err := Boot("/", setting.All(), running)
	if err != nil { // a directory: its files may decide otherwise
		for i := range boot.Values {
			boot.Values[i].Unread = append(boot.Values[i].Unread, strings.TrimSpace(err.Error()))
		}
	}
	v.snapshot.Boot = &boot
	v.snapshot.Memory = v.memory()
}

// memory reads how much of its limits TCP uses; nil when that cannot be read.
func (v *visit) memory() *look.Memory {
	stat, err := v.host.proc.SockstatSelf()
	orphans, errOrphans := v.host.sysctl.Int("net.ipv4.tcp_max_orphans")
	text, errMem := v.host.sysctl.Get("net.ipv4.tcp_mem")
	words := strings.Fields(text)
	if errors.Join(err, errOrphans, errMem) != nil || len(words) != 3 || !reported(stat.Orphans, stat.MemoryPages) {
		return nil
	}
	pressure, errPressure := strconv.ParseInt(words[1], 10, 64)
	limit, errLimit := strconv.ParseInt(words[2], 10, 64)
	if errors.Join(errPressure, errLimit) != nil {
		return nil
	}
	return &look.Memory{Orphans: stat.Orphans.N, MaxOrphans: orphans, Pages: stat.MemoryPages.N, Pressure: pressure, Limit: limit}
}

func reported(counts ...procfs.Count) bool {
	for _, c := range counts {
		if !c.Reported {
			return false
		}
	}
	return true
}

// ports reads which ports the kernel chooses from in the namespace that the calling thread is in.
func (v *visit) ports() (ports [2]uint16) {
	text, err := v.host.sysctl.Get("net.ipv4.ip_local_port_range")
	words := strings.Fields(text)
	if err != nil || len(words) != 2 {
		return ports
	}
	first, errFirst := strconv.ParseUint(words[0], 10, 16)
	last, errLast := strconv.ParseUint(words[1], 10, 16)
	if errors.Join(errFirst, errLast) == nil {
		ports = [2]uint16{uint16(first), uint16(last)}
	}
	return ports
}

// limits reads the settings of the namespace that the calling thread is in.
func (v *visit) limits(n *look.Namespace) {
	n.Sysctls = v.host.sysctl.ReadTCP()
	if reuse, err := v.host.sysctl.Int("net.ipv4.tcp_tw_reuse"); err == nil {
		n.Sysctls["tcp_tw_reuse"] = reuse
	}
}

// counters reads the counters of the namespace that the calling thread is in.
func (v *visit) counters(n *look.Namespace) {
	counters, err := v.host.proc.CountersSelf()
	if err != nil {
		return
	}
	for name, count := range map[string]**int64{"TcpExt.ListenOverflows": &n.Overflows, "Tcp.RetransSegs": &n.Resent, "TcpExt.TCPRetransFail": &n.Unsent} {
		if value, ok := counters[name]; ok {
			*count = &value
		}
	}
}
