package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/tcp"
)

// recordingOf is a recording with as many sockets.
func recordingOf(t *testing.T, sockets int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := record.Write(&b, &record.Recording{Snapshot: &look.Snapshot{Namespaces: []look.Namespace{{Name: "host", Sockets: make([]tcp.Socket, sockets)}}}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFrom_damaged(t *testing.T) {
	whole := recordingOf(t, 3000)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0x10
	for name, test := range map[string]struct {
		file   []byte
		stderr string
	}{
		"cut short":    {whole[:len(whole)-5], "the recording is damaged"},
		"changed":      {flipped, "the recording is damaged"},
		"another zstd": {whole[:6], "not a recording of closewait"},
	} {
		file := filepath.Join(t.TempDir(), "look")
		if err := os.WriteFile(file, test.file, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"--from", file}, {"ls", "--from", file}, {"record", "--from", file, filepath.Join(t.TempDir(), "again")}} {
			stdout, stderr, code := run(t, nil, args...)
			if code != int(Usage) || stdout != "" || !strings.Contains(stderr, test.stderr) || !strings.Contains(stderr, "help: ") {
				t.Errorf("%s, %v: exit %d, %q, %q", name, args, code, stdout, stderr)
			}
			if _, err := os.Stat(args[len(args)-1]); args[0] == "record" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: written nevertheless", name)
			}
		}
	}
}

func TestRecord_fullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "look")
	if err := os.WriteFile(file, recordingOf(t, 10), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := run(t, func(c *Config) { c.Out = full{} }, "record", "--from", file, "-")
	if code != int(OutputFailed) || !strings.Contains(stderr, "no space left on device") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestRecord_terminal(t *testing.T) {
	stdout, stderr, code := run(t, func(c *Config) { c.OutTerminal = true }, "record", "-")
	if code != int(Usage) || stdout != "" || !strings.Contains(stderr, "no text for a terminal") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}
