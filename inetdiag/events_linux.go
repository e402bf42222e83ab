package inetdiag

// Groups of SKNLGRP_*, as the bit mask bind(2) takes.
const destroyGroups = 1<<(1-1) | 1<<(3-1) // SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY

// OpenEvents subscribes to the sockets freed in the network namespace the calling thread is in. It needs no privilege.
func OpenEvents() (*Events, error) {
	s, err := openSocket(destroyGroups)
	if err != nil {
		return nil, opError("open", err)
	}
	return newEvents(s), nil
}
