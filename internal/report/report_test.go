package report_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/report"
)

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", time.Second: "1", 110840 * time.Millisecond: "110.84", time.Microsecond: "0.000001", -1500 * time.Millisecond: "-1.5",
		49 * time.Hour: "176400", 1499 * time.Nanosecond: "0.000001", 204 * time.Millisecond: "0.204",
	} {
		if got := string(report.Seconds(d).Append(nil)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "us")) * time.Microsecond
		b, err := json.Marshal(report.Seconds(d))
		var back report.Seconds
		if err != nil || json.Unmarshal(b, &back) != nil || (time.Duration(back)-d).Abs() > time.Microsecond {
			t.Fatalf("%v: %s, back %v, %v", d, b, time.Duration(back), err)
		}
	})
}

// TestUnknownIsNull: an empty document has every field, and null where nothing is known.
func TestUnknownIsNull(t *testing.T) {
	b, err := json.Marshal(report.Socket{})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"peer", "info", "accepted", "holders", "workload", "cause", "code"} {
		if value, there := fields[name]; !there || value != nil {
			t.Errorf("%s: %v, there: %v; want null", name, value, there)
		}
	}
}

func TestInfo_order(t *testing.T) {
	b, err := json.Marshal(report.Info{{Key: "rto_seconds", Number: "0.204"}, {Key: "backoff", Number: "3"}})
	if want := `{"rto_seconds":0.204,"backoff":3}`; string(b) != want || err != nil {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
}

func TestCodes(t *testing.T) {
	codes, names := report.Codes(), report.CauseNames()
	if len(codes) != len(names) || !slices.IsSorted(codes) || len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Errorf("codes %v", codes)
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(codes) {
		t.Error("a cause has two codes")
	}
}

// TestStep_Append: what is appended is what encoding/json writes, and reads back as the same step.
func TestStep_Append(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, number := rapid.String(), rapid.Uint32()
		pick := func(name string, values ...report.Value) report.Value { return rapid.SampledFrom(values).Draw(t, name) }
		s := report.Step{
			Action: text.Draw(t, "action"), Target: text.Draw(t, "target"), Undoable: rapid.Bool().Draw(t, "undoable"), SurvivesReboot: rapid.Bool().Draw(t, "survives"),
			Before: pick("before", "", "15", "0.25", report.Text(text.Draw(t, "text"))), After: pick("after", "", `"a b"`),
			Frees: report.Frees{Sockets: rapid.Int().Draw(t, "sockets"), FDs: rapid.Int().Draw(t, "fds"), AcceptQueuePlaces: rapid.Int().Draw(t, "places")},
		}
		if rapid.Bool().Draw(t, "netns") {
			s.Netns = &report.Netns{Inode: rapid.Uint64().Draw(t, "inode")}
			if rapid.Bool().Draw(t, "named") {
				s.Netns.Name, s.Netns.PID = new(text.Draw(t, "name")), new(rapid.Int().Draw(t, "pid"))
			}
		}
		switch rapid.IntRange(0, 3).Draw(t, "detail") {
		case 0:
			s.Detail.Sysctl = &report.SysctlTarget{Path: text.Draw(t, "path"), Cookie: text.Draw(t, "cookie")}
		case 1:
			s.Detail.Other = json.RawMessage(`{"new":[1,null]}`)
		case 2:
			target := &report.SocketTarget{
				Family: text.Draw(t, "family"), Local: anyAddrPort(t), Peer: anyAddrPort(t), Interface: number.Draw(t, "interface"), Cookie: text.Draw(t, "cookie"),
				Inode: number.Draw(t, "inode"), State: text.Draw(t, "state"), Owners: []report.SocketOwner{},
			}
			for range rapid.IntRange(0, 3).Draw(t, "owners") {
				target.Owners = append(target.Owners, report.SocketOwner{
					PID: rapid.Int().Draw(t, "pid"), FD: rapid.Int().Draw(t, "fd"), Comm: text.Draw(t, "comm"), StartTicks: rapid.Uint64().Draw(t, "ticks"),
				})
			}
			s.Detail.Socket = target
		}
		got, want := string(s.Append([]byte("before "))), "before "+encoded(t, &s)
		var detail any = s.Detail.Other
		if s.Detail.Socket != nil {
			detail = s.Detail.Socket
		} else if s.Detail.Sysctl != nil {
			detail = s.Detail.Sysctl
		}
		if got != want || !strings.HasSuffix(got, `,"detail":`+encoded(t, detail)+"}") {
			t.Fatalf("got %s\nwant %s", got, want)
		}
		var back report.Step
		if err := json.Unmarshal([]byte(encoded(t, &s)), &back); err != nil || string(back.Append([]byte("before "))) != got {
			t.Fatalf("%v\n back %s\nwas %s", err, back.Append(nil), got)
		}
	})
}

func encoded(t *rapid.T, v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(report.Escape([]byte(strings.TrimSuffix(b.String(), "\n"))))
}

func anyAddrPort(t *rapid.T) netip.AddrPort {
	addr := rapid.SampledFrom([]string{"0.0.0.0", "192.0.2.255", "::", "2001:db8::1:0:0", "::ffff:192.0.2.1", "fe80::1%et\"h0"}).Draw(t, "address")
	return netip.AddrPortFrom(netip.MustParseAddr(addr), rapid.Uint16().Draw(t, "port"))
}

// TestText: a value is the same whoever makes it, also in journals of other versions.
func TestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching("[ -~]*")).Draw(t, "text")
		want, err := json.Marshal(text)
		if got := report.Text(text); err != nil || string(got) != string(want) || got.String() != text {
			t.Fatalf("%q is %s, %q; want %s", text, got, got.String(), want)
		}
		var back report.Value
		if err := json.Unmarshal(report.Escape(want), &back); err != nil || back != report.Text(text) {
			t.Fatalf("%q is %s when it was escaped: %v", text, back, err)
		}
	})
}
