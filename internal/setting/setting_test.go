package setting_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/setting"
)

func TestTCP_order(t *testing.T) {
	names := []string{
		"tcp_early_retrans", "tcp_fin_timeout", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_keepalive_time", "tcp_max_orphans", "tcp_orphan_retries",
		"tcp_retries1", "tcp_retries2", "tcp_rto_max_ms", "tcp_rto_min_us", "tcp_syn_linear_timeouts", "tcp_syn_retries", "tcp_synack_retries", "tcp_thin_linear_timeouts",
	}
	table := setting.TCP()
	var got []string
	for _, s := range table {
		got = append(got, s.Name)
		if s.Min >= s.Max || (s.Default != -1 && (s.Default < s.Min || s.Default > s.Max)) {
			t.Errorf("%s: default %d, range %d to %d", s.Name, s.Default, s.Min, s.Max)
		}
		if s.Scope == setting.WholeHost && s.NetnsSince != "" {
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
	if setting.TCP()[0].Name == "changed" {
		t.Error("the table can be changed by a caller")
	}
}

func TestAll(t *testing.T) {
	all := setting.All()
	if !slices.IsSortedFunc(all, func(a, b setting.Setting) int { return strings.Compare(a.Key(), b.Key()) }) {
		t.Error("not in the order of the keys")
	}
	names := map[string]bool{}
	for _, s := range all {
		if names[s.Name] || s.Touches == "" || s.Range() == "" || strings.HasSuffix(s.Touches, ".") {
			t.Errorf("%s: twice, or not described: %q", s.Key(), s.Touches)
		}
		names[s.Name] = true
	}
	if len(all) < len(setting.TCP())+10 {
		t.Errorf("only %d settings", len(all))
	}
}

func TestParse(t *testing.T) {
	ports := setting.All()[slices.IndexFunc(setting.All(), func(s setting.Setting) bool { return s.Unit == setting.Ports })]
	retries := setting.All()[slices.IndexFunc(setting.All(), func(s setting.Setting) bool { return s.Name == "tcp_retries2" })]
	for _, c := range []struct {
		setting    setting.Setting
		text, want string
	}{
		{retries, "8", "8"}, {retries, "0x10", "16"}, {retries, " 8 # eight", "8"}, {retries, "256", ""}, {retries, "-1", ""}, {retries, "", ""},
		{ports, "1024 65535", "1024\t65535"}, {ports, "1024", ""}, {ports, "2 1", ""}, {ports, "1 2 3", ""}, {ports, "0 9", ""},
	} {
		got, err := c.setting.Parse(c.text)
		if got != c.want || (err != nil) != (c.want == "") || err != nil && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s, %q: %q, %v; want %q", c.setting.Name, c.text, got, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"8", "0x8", "010", "1024 65535", "-1", "x", " 7\t"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range setting.All() {
			shown, err := s.Parse(text)
			if err != nil {
				continue
			}
			if again, err := s.Parse(shown); err != nil || again != shown {
				t.Fatalf("%s: Parse(%q) = %q, but Parse of that is %q, %v", s.Name, text, shown, again, err)
			}
		}
	})
}
