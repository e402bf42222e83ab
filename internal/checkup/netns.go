package checkup

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
)

// netnsDiffers claims that namespaces have other values than the host: what is set on the host does not reach them.
func netnsDiffers(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	if len(s.Namespaces) == 0 || s.Namespaces[0].Sysctls == nil || s.Namespaces[0].Pasted || s.Namespaces[0].Name != "host" {
		return nil, "the host's own values were not read", ""
	}
	if len(s.Namespaces) == 1 {
		return nil, "", "only one namespace was read"
	}
	var evidence []string
	for _, each := range setting.TCP() {
		if each.Scope == setting.PerNetns {
			evidence = append(evidence, differing(s.Namespaces, each.Name)...)
		}
	}
	return single(report.SeverityInfo, evidence), "", ""
}

// differing has a sentence for each value of a setting that is not the host's, which is the first.
func differing(all []look.Namespace, name string) (sentences []string) {
	host, known := all[0].Sysctls[name]
	names := map[int64][]string{}
	for i := range all[1:] {
		n := &all[i+1]
		if value, ok := n.Sysctls[name]; ok && known && value != host {
			names[value] = append(names[value], nameOf(n))
		}
	}
	values := slices.SortedFunc(maps.Keys(names), func(a, b int64) int { return cmp.Or(cmp.Compare(len(names[b]), len(names[a])), cmp.Compare(a, b)) })
	for _, value := range values {
		sentences = append(sentences, fmt.Sprintf("%s is %d in %s, and %d on the host", name, value, strings.TrimPrefix(list(names[value]), "namespace "), host))
	}
	return sentences
}
