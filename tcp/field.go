package tcp

import (
	"iter"
	"time"
)

// Field names a field of the kernel's struct tcp_info.
type Field uint8

// The fields, in the order of the structure. The doc comment of each says what it holds and, where not from the beginning, the first kernel that sends it.
const (
	// CAState (tcpi_ca_state): congestion state: 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss.
	CAState Field = iota
	// Retransmits (tcpi_retransmits): consecutive retransmission time-outs without progress (icsk_retransmits).
	Retransmits
	// Probes (tcpi_probes): unanswered zero-window or keepalive probes (icsk_probes_out).
	Probes
	// Backoff (tcpi_backoff): doublings of the time-out, shared by retransmission and persist (icsk_backoff).
	Backoff
	// RTO (tcpi_rto): the retransmission time-out now in force, back-off included; it does not change while the persist timer runs.
	RTO
	// ATO (tcpi_ato): delayed acknowledgement time-out.
	ATO
	// SndMSS (tcpi_snd_mss): sending maximum segment size.
	SndMSS
	// RcvMSS (tcpi_rcv_mss): estimate of the peer's segment size.
	RcvMSS
	// Unacked (tcpi_unacked): segments in flight, a FIN counting as one; for a listener the length of its accept queue.
	Unacked
	// Sacked (tcpi_sacked): segments selectively acknowledged; for a listener its backlog.
	Sacked
	// Lost (tcpi_lost): segments taken for lost.
	Lost
	// Retrans (tcpi_retrans): retransmitted segments in flight.
	Retrans
	// LastDataSent (tcpi_last_data_sent): since the last transmission or retransmission of a segment with payload; a bare FIN does not count.
	LastDataSent
	// LastDataRecv (tcpi_last_data_recv): since the last segment with payload arrived; a bare FIN does not count.
	LastDataRecv
	// LastAckRecv (tcpi_last_ack_recv): since the last acknowledgement arrived, duplicates and answers to probes included.
	LastAckRecv
	// PMTU (tcpi_pmtu): path MTU.
	PMTU
	// RcvSSThresh (tcpi_rcv_ssthresh): limit of the receive window offered.
	RcvSSThresh
	// RTT (tcpi_rtt): smoothed round-trip time.
	RTT
	// RTTVar (tcpi_rttvar): mean deviation of the round-trip time (mdev, not the rttvar the time-out is computed from).
	RTTVar
	// SndSSThresh (tcpi_snd_ssthresh): slow start threshold in segments, 0x7fffffff when not set.
	SndSSThresh
	// SndCwnd (tcpi_snd_cwnd): congestion window in segments.
	SndCwnd
	// AdvMSS (tcpi_advmss): maximum segment size advertised to the peer.
	AdvMSS
	// Reordering (tcpi_reordering): reordering the sender tolerates, in segments.
	Reordering
	// RcvRTT (tcpi_rcv_rtt): round-trip time as the receiver estimates it.
	RcvRTT
	// RcvSpace (tcpi_rcv_space): receive buffer tuning target.
	RcvSpace
	// TotalRetrans (tcpi_total_retrans): segments retransmitted in the socket's life, of all kinds.
	TotalRetrans
	// PacingRate (tcpi_pacing_rate): pacing rate, all ones when unlimited (since 3.15).
	PacingRate
	// MaxPacingRate (tcpi_max_pacing_rate): limit of the pacing rate, all ones when unlimited (since 3.15).
	MaxPacingRate
	// BytesAcked (tcpi_bytes_acked): bytes of ours the peer acknowledged, SYN and FIN included (since 4.1).
	BytesAcked
	// BytesReceived (tcpi_bytes_received): bytes received in order, a FIN included (since 4.1).
	BytesReceived
	// SegsOut (tcpi_segs_out): segments sent (since 4.2).
	SegsOut
	// SegsIn (tcpi_segs_in): segments received (since 4.2).
	SegsIn
	// NotSentBytes (tcpi_notsent_bytes): bytes queued and never sent (since 4.6).
	NotSentBytes
	// MinRTT (tcpi_min_rtt): smallest round-trip time of the recent past (since 4.6).
	MinRTT
	// DataSegsIn (tcpi_data_segs_in): segments with payload received (since 4.6).
	DataSegsIn
	// DataSegsOut (tcpi_data_segs_out): segments with payload sent, retransmissions included (since 4.6).
	DataSegsOut
	// DeliveryRate (tcpi_delivery_rate): most recent delivery rate (since 4.9).
	DeliveryRate
	// BusyTime (tcpi_busy_time): time with data outstanding (since 4.10).
	BusyTime
	// RwndLimited (tcpi_rwnd_limited): time limited by the peer's window (since 4.10).
	RwndLimited
	// SndbufLimited (tcpi_sndbuf_limited): time limited by our send buffer (since 4.10).
	SndbufLimited
	// Delivered (tcpi_delivered): segments delivered (since 4.18).
	Delivered
	// DeliveredCE (tcpi_delivered_ce): segments delivered with a congestion mark (since 4.18).
	DeliveredCE
	// BytesSent (tcpi_bytes_sent): bytes of payload sent, retransmissions included (since 4.19).
	BytesSent
	// BytesRetrans (tcpi_bytes_retrans): bytes of payload retransmitted (since 4.19).
	BytesRetrans
	// DSACKDups (tcpi_dsack_dups): duplicates the peer reported (since 4.19).
	DSACKDups
	// ReordSeen (tcpi_reord_seen): reorderings seen (since 4.19).
	ReordSeen
	// RcvOOOPack (tcpi_rcv_ooopack): segments received out of order (since 5.4).
	RcvOOOPack
	// SndWnd (tcpi_snd_wnd): the window the peer offers, after scaling (since 5.4).
	SndWnd
	// RcvWnd (tcpi_rcv_wnd): the window we offer, after scaling (since 6.2).
	RcvWnd
	// Rehash (tcpi_rehash): changes of the flow hash after time-outs (since 6.2).
	Rehash
	// TotalRTO (tcpi_total_rto): retransmission time-outs in the socket's life (since 6.7).
	TotalRTO
	// TotalRTORecoveries (tcpi_total_rto_recoveries): episodes of retransmission time-outs, the running one included (since 6.7).
	TotalRTORecoveries
	// TotalRTOTime (tcpi_total_rto_time): time spent in such episodes, the running one counted from its first time-out (since 6.7).
	TotalRTOTime
	// ReceivedCE (tcpi_received_ce): segments received with a congestion mark (AccECN) (since 6.18).
	ReceivedCE
	// DeliveredE1Bytes (tcpi_delivered_e1_bytes): bytes delivered marked ECT(1) (AccECN) (since 6.18).
	DeliveredE1Bytes
	// DeliveredE0Bytes (tcpi_delivered_e0_bytes): bytes delivered marked ECT(0) (AccECN) (since 6.18).
	DeliveredE0Bytes
	// DeliveredCEBytes (tcpi_delivered_ce_bytes): bytes delivered marked CE (AccECN) (since 6.18).
	DeliveredCEBytes
	// ReceivedE1Bytes (tcpi_received_e1_bytes): bytes received marked ECT(1) (AccECN) (since 6.18).
	ReceivedE1Bytes
	// ReceivedE0Bytes (tcpi_received_e0_bytes): bytes received marked ECT(0) (AccECN) (since 6.18).
	ReceivedE0Bytes
	// ReceivedCEBytes (tcpi_received_ce_bytes): bytes received marked CE (AccECN) (since 6.18).
	ReceivedCEBytes
	fieldsLength
)

// Unit is what a field counts.
type Unit uint8

// The units of the fields.
const (
	Count Unit = iota
	Bytes
	BytesPerSecond
	Microseconds
	Milliseconds
)

func (u Unit) duration() time.Duration {
	switch u {
	case Microseconds:
		return time.Microsecond
	case Milliseconds:
		return time.Millisecond
	}
	return 0
}

// placement is where a field stands and how it is called.
type placement struct {
	name, key string
	offset    uint16
	size      uint8
	unit      Unit
}

// end is the length a structure must have for the field to be in it.
func (p *placement) end() int { return int(p.offset) + int(p.size) }

// layout is struct tcp_info: where each field stands. Names without a unit are the kernel's without its tcpi_ prefix; key is the name in
// closewait's JSON, which carries the unit.
var layout = [fieldsLength]placement{
	CAState:            {"ca_state", "ca_state", 1, 1, Count},
	Retransmits:        {"retransmits", "retransmits", 2, 1, Count},
	Probes:             {"probes", "probes", 3, 1, Count},
	Backoff:            {"backoff", "backoff", 4, 1, Count},
	RTO:                {"rto", "rto_seconds", 8, 4, Microseconds},
	ATO:                {"ato", "ato_seconds", 12, 4, Microseconds},
	SndMSS:             {"snd_mss", "send_mss_bytes", 16, 4, Bytes},
	RcvMSS:             {"rcv_mss", "receive_mss_bytes", 20, 4, Bytes},
	Unacked:            {"unacked", "unacked", 24, 4, Count},
	Sacked:             {"sacked", "sacked", 28, 4, Count},
	Lost:               {"lost", "lost", 32, 4, Count},
	Retrans:            {"retrans", "retrans", 36, 4, Count},
	LastDataSent:       {"last_data_sent", "last_data_sent_seconds", 44, 4, Milliseconds},
	LastDataRecv:       {"last_data_recv", "last_data_received_seconds", 52, 4, Milliseconds},
	LastAckRecv:        {"last_ack_recv", "last_ack_received_seconds", 56, 4, Milliseconds},
	PMTU:               {"pmtu", "path_mtu_bytes", 60, 4, Bytes},
	RcvSSThresh:        {"rcv_ssthresh", "receive_ssthresh_bytes", 64, 4, Bytes},
	RTT:                {"rtt", "rtt_seconds", 68, 4, Microseconds},
	RTTVar:             {"rttvar", "rttvar_seconds", 72, 4, Microseconds},
	SndSSThresh:        {"snd_ssthresh", "send_ssthresh", 76, 4, Count},
	SndCwnd:            {"snd_cwnd", "send_cwnd", 80, 4, Count},
	AdvMSS:             {"advmss", "advertised_mss_bytes", 84, 4, Bytes},
	Reordering:         {"reordering", "reordering", 88, 4, Count},
	RcvRTT:             {"rcv_rtt", "receive_rtt_seconds", 92, 4, Microseconds},
	RcvSpace:           {"rcv_space", "receive_space_bytes", 96, 4, Bytes},
	TotalRetrans:       {"total_retrans", "total_retrans", 100, 4, Count},
	PacingRate:         {"pacing_rate", "pacing_rate_bytes_per_second", 104, 8, BytesPerSecond},
	MaxPacingRate:      {"max_pacing_rate", "max_pacing_rate_bytes_per_second", 112, 8, BytesPerSecond},
	BytesAcked:         {"bytes_acked", "bytes_acked", 120, 8, Bytes},
	BytesReceived:      {"bytes_received", "bytes_received", 128, 8, Bytes},
	SegsOut:            {"segs_out", "segments_sent", 136, 4, Count},
	SegsIn:             {"segs_in", "segments_received", 140, 4, Count},
	NotSentBytes:       {"notsent_bytes", "not_sent_bytes", 144, 4, Bytes},
	MinRTT:             {"min_rtt", "min_rtt_seconds", 148, 4, Microseconds},
	DataSegsIn:         {"data_segs_in", "data_segments_received", 152, 4, Count},
	DataSegsOut:        {"data_segs_out", "data_segments_sent", 156, 4, Count},
	DeliveryRate:       {"delivery_rate", "delivery_rate_bytes_per_second", 160, 8, BytesPerSecond},
	BusyTime:           {"busy_time", "busy_seconds", 168, 8, Microseconds},
	RwndLimited:        {"rwnd_limited", "receive_window_limited_seconds", 176, 8, Microseconds},
	SndbufLimited:      {"sndbuf_limited", "send_buffer_limited_seconds", 184, 8, Microseconds},
	Delivered:          {"delivered", "delivered", 192, 4, Count},
	DeliveredCE:        {"delivered_ce", "delivered_ce", 196, 4, Count},
	BytesSent:          {"bytes_sent", "bytes_sent", 200, 8, Bytes},
	BytesRetrans:       {"bytes_retrans", "bytes_retransmitted", 208, 8, Bytes},
	DSACKDups:          {"dsack_dups", "dsack_duplicates", 216, 4, Count},
	ReordSeen:          {"reord_seen", "reorderings_seen", 220, 4, Count},
	RcvOOOPack:         {"rcv_ooopack", "out_of_order_received", 224, 4, Count},
	SndWnd:             {"snd_wnd", "send_window_bytes", 228, 4, Bytes},
	RcvWnd:             {"rcv_wnd", "receive_window_bytes", 232, 4, Bytes},
	Rehash:             {"rehash", "rehashes", 236, 4, Count},
	TotalRTO:           {"total_rto", "total_rto", 240, 2, Count},
	TotalRTORecoveries: {"total_rto_recoveries", "total_rto_recoveries", 242, 2, Count},
	TotalRTOTime:       {"total_rto_time", "total_rto_seconds", 244, 4, Milliseconds},
	ReceivedCE:         {"received_ce", "received_ce", 248, 4, Count},
	DeliveredE1Bytes:   {"delivered_e1_bytes", "delivered_e1_bytes", 252, 4, Bytes},
	DeliveredE0Bytes:   {"delivered_e0_bytes", "delivered_e0_bytes", 256, 4, Bytes},
	DeliveredCEBytes:   {"delivered_ce_bytes", "delivered_ce_bytes", 260, 4, Bytes},
	ReceivedE1Bytes:    {"received_e1_bytes", "received_e1_bytes", 264, 4, Bytes},
	ReceivedE0Bytes:    {"received_e0_bytes", "received_e0_bytes", 268, 4, Bytes},
	ReceivedCEBytes:    {"received_ce_bytes", "received_ce_bytes", 272, 4, Bytes},
}

// String returns the kernel's name of the field without its tcpi_ prefix: "last_ack_recv".
func (f Field) String() string { return layout[f].name }

// Key returns the field's name in closewait's JSON, the unit included: "last_ack_received_seconds".
func (f Field) Key() string { return layout[f].key }

// Unit returns what the field counts.
func (f Field) Unit() Unit { return layout[f].unit }

// Fields yields all fields in the order of the structure.
func Fields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for f := range fieldsLength {
			if !yield(f) {
				return
			}
		}
	}
}
