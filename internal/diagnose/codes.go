package diagnose

// Codes returns the codes that there are rules for.
func Codes() []string {
	codes := []string{codeDeadFDs, codeFDLimit, codeProbeDrip} // not of a single socket that a table shows
	for _, r := range rules() {
		codes = append(codes, r.code)
	}
	return codes
}
