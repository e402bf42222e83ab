package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/closewait/closewait/internal/report"
)

// Hash returns the hash of a change: of its document in its shortest form, without the hash itself.
func Hash(c *report.Change) (string, error) {
	bare := *c
	bare.Hash = nil
	b, err := json.Marshal(&bare)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
