package diagnose

// Codes returns the codes that there are rules for.
func Codes() []string {
	codes := []string{"CW110"} // not about sockets that a table shows
	for _, r := range rules() {
		codes = append(codes, r.code)
	}
	return codes
}
