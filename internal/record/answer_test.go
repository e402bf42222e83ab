package record_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
)

// answers asks everything that can be asked of recordings, and returns the first question that ended in a bug.
func answers(files ...[]byte) (question, stderr string) {
	for _, args := range [][]string{{}, {"-o", "json"}, {"--redact"}, {"ls", "-o", "wide"}, {"ls", "-o", "json", "--redact"}, {"when"}, {"when", "-o", "json", "--if", "tcp_retries2=5"}, {"report"}, {"doctor", "-v"}, {"doctor", "-o", "json"}, {"show", "pid", "7"}, {"show", "CW101"}} {
		cfg := cli.System()
		var out, err bytes.Buffer
		cfg.Streams = cli.Streams{In: bytes.NewReader(bytes.Join(files, nil)), Out: &out, Err: &err}
		if code := cli.Main(append(args, "-v", "--from", "-"), cfg); code == 70 {
			return strings.Join(args, " "), err.String()
		}
	}
	return "", ""
}

// TestAnswers_anything: recordings may say anything, and no question about them is a bug.
func TestAnswers_anything(t *testing.T) {
	for range 25 {
		seed, other := rand.Uint64(), rand.Uint64()
		if question, stderr := answers(written(t, randomRecording(seed)), written(t, randomRecording(other))); stderr != "" {
			t.Fatalf("recordings %d and %d, %q: %s", seed, other, question, stderr)
		}
	}
}

// FuzzAnswers: nor is one about any file.
func FuzzAnswers(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(written(f, randomRecording(seed)))
	}
	f.Add(written(f, &record.Recording{Snapshot: &look.Snapshot{}}))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := record.Read(bytes.NewReader(file), record.Extent{Bytes: 1 << 20, Sockets: 1000}); err != nil && err != io.EOF {
			return
		}
		if question, stderr := answers(file); stderr != "" {
			t.Fatalf("%q: %s", question, stderr)
		}
	})
}
