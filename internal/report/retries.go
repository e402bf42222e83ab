package report

// Retries is the document of "closewait when --table": what each value of tcp_retries2 amounts to on a path.
type Retries struct {
	Header
	RTTSeconds    Seconds      `json:"rtt_seconds"`
	RTOMaxSeconds Seconds      `json:"rto_max_seconds"`
	Rows          []RetriesRow `json:"rows"`
}

// RetriesRow is one value of tcp_retries2. Times but the last count from the first retransmission.
type RetriesRow struct {
	Retries2        int      `json:"tcp_retries2"`
	LimitSeconds    Seconds  `json:"limit_seconds"`
	Seconds         Seconds  `json:"seconds"`
	EarliestSeconds Seconds  `json:"earliest_seconds"`
	LatestSeconds   Seconds  `json:"latest_seconds"`
	AlsoSeconds     *Seconds `json:"also_seconds"`
	FromSendSeconds Seconds  `json:"from_send_seconds"`
	Retransmits     int      `json:"retransmits"`
}
