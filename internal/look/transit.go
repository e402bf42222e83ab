package look

// Transit is what is known of descriptors that no process has: those that wait in unix sockets to be received.
type Transit struct {
	// Known is true when all unix sockets of the host were asked.
	Known bool
	// Descriptors is how many there are, of any kind.
	Descriptors int
}
