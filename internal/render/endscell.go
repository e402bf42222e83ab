package render

import (
	"strconv"
	"time"

	"github.com/closewait/closewait/internal/look"
)

func appendEndsKind(b []byte, r *look.Row) []byte { return append(b, r.Ends.Kind.String()...) }

// appendMaybe appends a time that is not there when it is 0.
func appendMaybe(b []byte, d time.Duration) []byte {
	if d == 0 {
		return append(b, unknown)
	}
	return appendSeconds(b, d)
}

func appendEarliest(b []byte, r *look.Row) []byte { return appendMaybe(b, r.Ends.Earliest) }

func appendLatest(b []byte, r *look.Row) []byte { return appendMaybe(b, r.Ends.Latest) }

func appendAlso(b []byte, r *look.Row) []byte { return appendMaybe(b, r.Ends.Also) }

// appendBy names the setting that decides with its value, or else the mechanism.
func appendBy(b []byte, r *look.Row) []byte {
	switch e := &r.Ends; {
	case e.Limit.Name != "":
		b = append(appendName(b, e.Limit.Name), '=')
		return strconv.AppendInt(b, e.Limit.Value, 10)
	case e.By != "":
		return appendName(b, e.By)
	}
	return append(b, unknown)
}

func appendError(b []byte, r *look.Row) []byte { return appendName(b, r.Ends.Error) }

func appendEndsIf(b []byte, r *look.Row) []byte {
	if r.EndsIf == nil {
		return append(b, unknown)
	}
	return appendEnds(b, &look.Row{Ends: *r.EndsIf})
}

// textEndsIf says what changes; what does not is left unsaid, so that the eye finds the rest.
func textEndsIf(b []byte, r *look.Row) []byte {
	if r.EndsIf == nil || r.Ends.Same(r.EndsIf) {
		return append(b, '=')
	}
	return textEnds(b, &look.Row{Ends: *r.EndsIf})
}
