package sysctl_test

import (
	"slices"
	"testing"

	"github.com/closewait/closewait/internal/sysctl"
)

func TestTCPSettings(t *testing.T) {
	names := []string{
		"tcp_fin_timeout", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_keepalive_time", "tcp_max_orphans", "tcp_orphan_retries",
		"tcp_retries1", "tcp_retries2", "tcp_rto_max_ms", "tcp_rto_min_us", "tcp_syn_linear_timeouts", "tcp_syn_retries", "tcp_synack_retries", "tcp_thin_linear_timeouts",
	}
	table := sysctl.TCPSettings()
	var got []string
	for _, s := range table {
		got = append(got, s.Name)
		if s.Min >= s.Max || (s.Default != -1 && (s.Default < s.Min || s.Default > s.Max)) {
			t.Errorf("%s: default %d, range %d to %d", s.Name, s.Default, s.Min, s.Max)
		}
		if s.Scope == sysctl.WholeHost && s.NetnsSince != "" {
			t.Errorf("%s: of the whole host and of namespaces", s.Name)
		}
		if s.Unit.String() == "" || s.Scope.String() == "" || s.Key() != "net.ipv4."+s.Name {
			t.Errorf("%s: %v %v %s", s.Name, s.Unit, s.Scope, s.Key())
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("got %q, want %q", got, names)
	}
	table[0].Name = "changed"
	if sysctl.TCPSettings()[0].Name == "changed" {
		t.Error("the table can be changed by a caller")
	}
}
