package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Value is what a step reads and writes, as JSON text: a number, a string, a truth value; "" stands for null, which means that there is nothing.
// Two values are the same when they are equal as strings.
type Value string

// Integer returns the value of a whole number.
func Integer(n int64) Value { return Value(strconv.FormatInt(n, 10)) }

// Text returns the value of a string.
func Text(s string) Value {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			b, _ := json.Marshal(s) // a string always has a JSON form
			return Value(b)
		}
	}
	return Value(`"` + s + `"`)
}

// SysctlValue returns the value of a sysctl: a number, or the text with single spaces.
func SysctlValue(text string) Value {
	if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
		return Integer(n)
	}
	return Text(strings.Join(strings.Fields(text), " "))
}

// Duration returns the value of a duration, in seconds.
func Duration(d time.Duration) Value { return Value(Seconds(d).Append(nil)) }

// Keepalive returns the value of keepalive and its times in seconds: "on 60/10/6" is on after 60 s of silence, then every 10 s, 6 times.
func Keepalive(on bool, idle, interval, probes int) Value {
	word := "off"
	if on {
		word = "on"
	}
	return Text(fmt.Sprintf("%s %d/%d/%d", word, idle, interval, probes))
}

// String returns the value as people write it: without quotes, and "nothing" for null.
func (v Value) String() string {
	if v == "" {
		return "nothing"
	}
	var s string
	if strings.HasPrefix(string(v), `"`) && json.Unmarshal([]byte(v), &s) == nil {
		return s
	}
	return string(v)
}

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) {
	if v == "" {
		return []byte("null"), nil
	}
	return []byte(v), nil
}

// UnmarshalJSON implements json.Unmarshaler. A text is the same however it was escaped. Lists and objects are kept, too: they are somebody else's value, and equal to none of ours.
func (v *Value) UnmarshalJSON(b []byte) error {
	*v = Value(b)
	var text string
	switch {
	case string(b) == "null":
		*v = ""
	case b[0] == '"' && json.Unmarshal(b, &text) == nil:
		*v = Text(text)
	}
	return nil
}
