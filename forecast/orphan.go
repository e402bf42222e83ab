package forecast

// orphanRetries is tcp_orphan_retries: the retries left to a socket that nobody holds any more. While its time-out still grows it is taken for
// alive, and 0 then means 8; once the time-out is as long as it gets, 0 means none, and a recorded soft error means none whatever the sysctl says.
//
// That nobody holds a socket also exposes it to tcp_out_of_resources, which resets it when there are too many orphans or TCP memory runs out. That
// depends on the whole host, not on the socket: what is foretold is the end without it. It comes at a firing, and the interval of a socket that nobody can be asked about
// begins with the next one.
func (v *view) orphanRetries(alive bool) int64 {
	retries := v.Limits.OrphanRetries.Value
	if !alive && v.unreachable() {
		return 0
	}
	if alive && retries == 0 {
		return orphanDefault
	}
	return retries
}
