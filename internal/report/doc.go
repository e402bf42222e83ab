// Package report holds the types of closewait's JSON, version closewait/v1: the contract with scripts. It has no logic but that of encoding.
//
// Fields are only ever added. Unknown is null, never 0 and never absent, so no field is tagged omitempty. Durations are numbers of seconds, times are
// RFC 3339 in UTC, 64-bit identifiers are strings.
package report
