package explain

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
)

// TestFind_every_name: each name leads to its page in every spelling, and none leads to two.
func TestFind_every_name(t *testing.T) {
	owner := map[string]string{}
	for _, p := range Pages() {
		if p.Title == "" {
			t.Errorf("%s has no title", p.Name)
		}
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if other := owner[keyOf(name)]; other != "" {
				t.Errorf("%q belongs to %s and %s", name, other, p.Name)
			}
			owner[keyOf(name)] = p.Name
			for _, word := range []string{
				name, strings.ToUpper(name), strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(name, "_", " "), " " + name + " ",
				"net.ipv4." + name, "/proc/sys/net/ipv4/" + name, "net.ipv4." + name + " = 15", p.Name + "/" + name,
			} {
				if word == p.Name+"/"+p.Name {
					continue
				}
				if found, err := Find(word); err != nil || found.Name != p.Name {
					t.Errorf("Find(%q) = %v, %v; want %s", word, found, err, p.Name)
				}
			}
		}
	}
}

func TestFind(t *testing.T) {
	for word, want := range map[string]string{
		"TCP_USER_TIMEOUT": "user_timeout", "net.ipv4.tcp_retries2": "tcp_retries2", "zero window": "zero_window", "ZeroWindow": "zero_window", "CW101/leak": "CW101",
		"cw-101": "CW101", "net/ipv4/tcp_keepalive_time": "keepalive", "TIME-WAIT": "time_wait", "FIN_WAIT2": "fin_wait_2", "fin-wait-1": "last_ack",
		"TCP_KEEPIDLE": "keepalive", "dead fds": "CW110", "tcp_fin_timeout": "fin_wait_2", "CLOSE_WAIT": "close_wait",
	} {
		if p, err := Find(word); err != nil || p.Name != want {
			t.Errorf("Find(%q) = %v, %v; want %s", word, p, err, want)
		}
	}
}

func TestFind_unknown(t *testing.T) {
	for word, want := range map[string]string{
		"retris2": "retries2", "keepalve": "keepalive", "time_wiat": "time_wait", "clos_wait": "close_wait", "user_tim": "user_timeout", "CW1O1": "CW101", "orphn": "orphan",
	} {
		_, err := Find(word)
		u, ok := errors.AsType[*UnknownError](err)
		if !ok || !slices.Contains(u.Near, want) || len(u.Near) > mostNear || !strings.Contains(err.Error(), "did you mean") {
			t.Errorf("Find(%q): %v, want %s among what is near", word, err, want)
		}
	}
	for _, word := range []string{"", "=", "wombat", "日本", strings.Repeat("tcp_retries2", 1000)} {
		_, err := Find(word)
		if u, ok := errors.AsType[*UnknownError](err); !ok || len(u.Near) > 0 || u.Reserved {
			t.Errorf("Find(%.20q): %+v, want nothing near", word, u)
		}
	}
}

// TestFind_reserved: a code of the contract without a page is not taken for a misspelt one.
func TestFind_reserved(t *testing.T) {
	codes, causes := report.Codes(), report.CauseNames()
	for i, code := range codes {
		page, err := Find(code)
		if err == nil {
			if byCause, err := Find(causes[i]); err != nil || byCause.Name != page.Name {
				t.Errorf("%s has a page, its cause %s has %v", code, causes[i], byCause)
			}
			continue
		}
		for _, word := range []string{code, causes[i]} {
			_, err = Find(word)
			if u, _ := errors.AsType[*UnknownError](err); err != nil && (!u.Reserved || len(u.Near) > 0) {
				t.Errorf("Find(%q): %+v", word, u)
			}
		}
	}
}

// TestFind_mechanisms: whatever a forecast names as the reason of an end is explained.
func TestFind_mechanisms(t *testing.T) {
	for _, by := range []string{
		forecast.ByRetransmission, forecast.ByUserTimeout, forecast.ByPersist, forecast.ByOrphan, forecast.ByKeepalive, forecast.ByTimeWait, forecast.ByFinTimeout,
	} {
		if _, err := Find(by); err != nil {
			t.Error(err)
		}
	}
}

func TestPages_are_the_callers(t *testing.T) {
	Pages()[0].Aliases[0], Pages()[0].Name = "x", "x"
	p, err := Find("retries2")
	if err != nil || p.Name != "tcp_retries2" {
		t.Fatal(p, err)
	}
	p.Aliases[0] = "x"
	if _, err := Find("retries2"); err != nil {
		t.Error(err)
	}
}

// TestFind_settings: whatever tune sets is explained.
func TestFind_settings(t *testing.T) {
	for _, s := range setting.All() {
		for _, word := range []string{s.Name, s.Key()} {
			if _, err := Find(word); err != nil {
				t.Error(err)
			}
		}
	}
}
