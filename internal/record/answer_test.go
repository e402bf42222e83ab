package record_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
)

// answers asks everything that can be asked of recordings, and returns the first question that ended in a bug.
func answers(files ...[]byte) (question, stderr string) {
	for _, args := range [][]string{{}, {"-o", "json"}, {"--redact"}, {"ls", "-o", "wide"}, {"ls", "-o", "json", "--redact"}, {"when"}, {"when", "-o", "json", "--if", "tcp_retries2=5"}, {"report"}} {
		cfg := cli.System()
		var out, err bytes.Buffer
		cfg.Streams = cli.Streams{In: bytes.NewReader(bytes.Join(files, nil)), Out: &out, Err: &err}
		if code := cli.Main(append(args, "-v", "--from", "-"), cfg); code == 70 {
			return strings.Join(args, " "), err.String()
		}
	}
	return "", ""
}

// TestAnswers_anything: a recording may say anything, and no question about it is a bug.
func TestAnswers_anything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := randomRecording(rapid.Uint64().Draw(t, "seed"))
		var b bytes.Buffer
		if err := record.Write(&b, r); err != nil {
			t.Fatal(err)
		}
		if question, stderr := answers(b.Bytes()); stderr != "" {
			t.Fatalf("%q: %s", question, stderr)
		}
	})
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
