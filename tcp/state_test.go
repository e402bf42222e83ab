package tcp_test

import (
	"testing"

	"github.com/closewait/closewait/tcp"
)

func TestParseState_spellings(t *testing.T) {
	tests := map[tcp.State][]string{
		tcp.Established: {"established", "ESTABLISHED", "ESTAB", "estab", "TCP_ESTABLISHED"},
		tcp.SynSent:     {"syn_sent", "SYN-SENT", "SYN_SENT"},
		tcp.SynReceived: {"syn_received", "SYN-RECV", "SYN_RECV", "syn-received", "new_syn_recv"},
		tcp.FinWait1:    {"fin_wait_1", "FIN-WAIT-1", "FIN_WAIT1", "fin-wait-1", "TCP_FIN_WAIT1"},
		tcp.FinWait2:    {"fin_wait_2", "FIN-WAIT-2", "FIN_WAIT2"},
		tcp.TimeWait:    {"time_wait", "TIME-WAIT", "TIME_WAIT"},
		tcp.Closed:      {"closed", "UNCONN", "CLOSE", "TCP_CLOSE"},
		tcp.CloseWait:   {"close_wait", "CLOSE-WAIT", "CLOSE_WAIT", "Close-Wait"},
		tcp.LastAck:     {"last_ack", "LAST-ACK", "LAST_ACK"},
		tcp.Listen:      {"listen", "LISTEN", "listening"},
		tcp.Closing:     {"closing", "CLOSING"},
		tcp.Bound:       {"bound", "BOUND", "bound-inactive"},
	}
	for want, texts := range tests {
		for _, text := range append(texts, want.String(), want.SS()) {
			if got, err := tcp.ParseState(text); err != nil || got != want {
				t.Errorf("%q: %v, %v; want %v", text, got, err, want)
			}
		}
	}
	for _, text := range []string{"", "close", "-", "_", "wait", "state_8", "FIN_WAIT"} {
		if got, err := tcp.ParseState(text); (err == nil) != (text == "close") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestState_unknownNumber(t *testing.T) {
	if got := tcp.State(99).String() + " " + tcp.State(0).SS(); got != "state_99 STATE-0" {
		t.Errorf("%q", got)
	}
}

func TestStateSet(t *testing.T) {
	all, err := tcp.ParseStateSet("all")
	if err != nil || all != tcp.AllStates || all.Len() != 13 {
		t.Errorf("all: %d states, %v", all.Len(), err)
	}
	for name, want := range map[string]struct{ has, lacks tcp.State }{
		"connected": {tcp.SynSent, tcp.Listen}, "synchronized": {tcp.CloseWait, tcp.SynSent}, "bucket": {tcp.TimeWait, tcp.CloseWait},
		"big": {tcp.CloseWait, tcp.TimeWait}, "syn-recv": {tcp.NewSynRecv, tcp.SynSent}, "CLOSE_WAIT": {tcp.CloseWait, tcp.Closed},
	} {
		set, err := tcp.ParseStateSet(name)
		if err != nil || !set.Has(want.has) || set.Has(want.lacks) {
			t.Errorf("%s: %b, %v", name, set, err)
		}
	}
	if _, err := tcp.ParseStateSet("nonsense"); err == nil {
		t.Error("nonsense is a set")
	}
	if tcp.AllStates.Has(40) {
		t.Error("state 40 is in the set")
	}
}

func TestTimerKind(t *testing.T) {
	for k := tcp.TimerNone; k <= tcp.TimerDelack; k++ {
		if got, err := tcp.ParseTimerKind(k.String()); err != nil || got != k {
			t.Errorf("%v: %v, %v", k, got, err)
		}
	}
	for text, want := range map[string]tcp.TimerKind{"on": tcp.TimerRetransmit, "off": tcp.TimerNone, "probe": tcp.TimerPersist} {
		if got, err := tcp.ParseTimerKind(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := tcp.ParseTimerKind("unknown"); err == nil || tcp.TimerKind(77).String() != "unknown" {
		t.Error("an unknown timer has a kind")
	}
}
