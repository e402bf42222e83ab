package report

import (
	"strconv"
	"time"
)

// Seconds is a duration that JSON shows as a number of seconds, exact to the microsecond and without an exponent.
type Seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) { return s.Append(nil), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return err
	}
	*s = Seconds(f * float64(time.Second))
	return nil
}

// Append appends the number of seconds in decimal, without trailing zeros.
func (s Seconds) Append(b []byte) []byte {
	us := time.Duration(s).Round(time.Microsecond).Microseconds()
	if us < 0 {
		b, us = append(b, '-'), -us
	}
	b = strconv.AppendInt(b, us/1e6, 10)
	frac := us % 1e6
	if frac == 0 {
		return b
	}
	b = append(b, '.')
	for unit := int64(1e5); frac > 0; unit /= 10 {
		b = append(b, byte('0'+frac/unit))
		frac %= unit
	}
	return b
}

// SecondsOf returns a pointer to d as Seconds, for fields that may be null.
func SecondsOf(d time.Duration) *Seconds {
	s := Seconds(d)
	return &s
}
