package procfs

import "testing"

// The parsers and the bookkeeping that are not for other packages.
var (
	NextEntry        = nextEntry
	Number           = number
	Bracketed        = bracketed
	Unescape         = unescape
	SplitPodLog      = splitPodLog
	ParseDockerName  = parseDockerName
	ParsePodmanNames = parsePodmanNames
	PodAnnotation    = func(b []byte) string { return parseAnnotations(b).pod() }
	NewKinship       = newKinship
	BaseOf           = baseOf
	Behind           = behind
	InList           = inList
	MarkRuntime      = markRuntime
)

// Add and Related are those of kinship.
func (k *kinship) Add(pid int) { k.add(pid) }

// Related is related.
func (k *kinship) Related(pid int) bool { return k.related(pid) }

// FDCountKnown reports whether the kernel tells the number of descriptors without listing them.
func (f FS) FDCountKnown(t testing.TB) bool {
	k, err := f.newWalker(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	return k.counted
}

// CallNames returns the names of the system calls in the table.
func CallNames() []string {
	var names []string
	for i := range calls {
		names = append(names, calls[i].name)
	}
	return names
}
