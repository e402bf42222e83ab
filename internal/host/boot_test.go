package host_test

import (
	"testing"
	"time"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/sysctl"
)

// TestLook_settings reads what doctor judges in a namespace that has no socket and a setting of its own, and leaves it out where nobody asks.
func TestLook_settings(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		if err := sysctl.New("/proc/sys").Set("net.ipv4.tcp_retries2", "6"); err != nil {
			t.Fatal(err)
		}
		r := host.Request{Netns: []string{netnsPath()}, Settings: true}
		s, _, err := host.New(time.Now).Look(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		n := &s.Namespaces[0]
		if !n.Skipped || n.Sysctls["tcp_retries2"] != 6 || n.Ports[0] == 0 || n.Ports[1] <= n.Ports[0] || n.Overflows == nil || *n.Overflows != 0 {
			t.Errorf("%+v", n)
		}
		if s.Memory != nil { // tcp_mem and tcp_max_orphans are shown in the first namespace only (ipv4_table)
			t.Errorf("%+v", s.Memory)
		}
		if s.Boot == nil || len(s.Boot.Values) == 0 {
			t.Errorf("%+v", s.Boot)
		}
		r.Settings = false
		if s, _, err = host.New(time.Now).Look(t.Context(), r); err != nil || s.Boot != nil || s.Namespaces[0].Sysctls != nil {
			t.Errorf("read although nobody asked: %v %v, %v", s.Boot, s.Namespaces[0].Sysctls, err)
		}
	})
}

// TestLook_settings_of_the_host reads what is there once for all namespaces.
func TestLook_settings_of_the_host(t *testing.T) {
	if _, err := sysctl.New("/proc/sys").Get("net.ipv4.tcp_mem"); err != nil {
		t.Skip("not in the first network namespace: ", err)
	}
	s, _ := lookAt(t, host.Request{Netns: own(), Settings: true, Nothing: true})
	if m := s.Memory; m == nil || m.MaxOrphans <= 0 || m.Limit < m.Pressure || m.Pressure <= 0 {
		t.Errorf("%+v", m)
	}
}
