package report_test

import (
	"encoding/json"
	"slices"
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
