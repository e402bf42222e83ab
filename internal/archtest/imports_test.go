package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/closewait/closewait/"

// layer is a row of the table in docs/architecture.md.
type layer struct {
	rooms []string
	// may lists the layers and rooms of this module that the rooms may import, beyond what is listed here nothing.
	may []string
	// std lists parts of the standard library that are forbidden although harmless elsewhere, with the reason.
	forbidden map[string]string
	// others lists the foreign modules that may be imported.
	others []string
}

var pure = map[string]string{
	"os": "files and environment come from doors", "net": "only net/netip is plain data", "syscall": "only doors call the kernel",
	"os/exec": "nothing runs other programs", "unsafe": "only doors need it",
}

// layers is the whole house. A package that is in no row fails the test: decide where it belongs first.
var layers = map[string]layer{
	"vocabulary": {rooms: []string{"tcp", "internal/report", "internal/setting", "internal/spelling", "internal/spoken"}, forbidden: pure},
	"model":      {rooms: []string{"forecast"}, may: []string{"tcp"}, forbidden: pure},
	"look data":  {rooms: []string{"internal/look"}, may: []string{"tcp", "forecast"}, forbidden: pure},
	"wire":       {rooms: []string{"internal/netlink"}, forbidden: map[string]string{"os/exec": pure["os/exec"], "unsafe": pure["unsafe"]}, others: []string{"golang.org/x/sys"}},
	"doors": {
		rooms: []string{"inetdiag", "internal/procfs", "internal/netns", "internal/sysctl", "internal/sockopt", "internal/probe", "internal/neighbour", "internal/unixdiag", "internal/journal", "internal/systemd"},
		may:   []string{"vocabulary", "look data", "wire"}, forbidden: map[string]string{"os/exec": pure["os/exec"]}, others: []string{"golang.org/x/sys", "github.com/cilium/ebpf", "github.com/coreos/go-systemd", "github.com/godbus/dbus"},
	},
	"look": {rooms: []string{"internal/host", "internal/record"}, may: []string{"vocabulary", "look data", "doors"}, forbidden: map[string]string{
		"os/exec": pure["os/exec"], "syscall": pure["syscall"], "unsafe": pure["unsafe"],
	}, others: []string{"github.com/fxamacker/cbor", "github.com/klauspost/compress"}},
	"thought": {
		rooms: []string{"internal/filter", "internal/diagnose", "internal/remedies", "internal/explain", "internal/redact", "internal/history", "internal/plan", "internal/checkup"},
		may:   []string{"vocabulary", "model", "look data"}, forbidden: pure,
	},
	"act": {rooms: []string{"internal/change"}, may: []string{"vocabulary", "look data", "doors"}, forbidden: map[string]string{
		"os/exec": pure["os/exec"], "syscall": pure["syscall"], "unsafe": pure["unsafe"],
	}},
	"faces": {
		rooms: []string{"internal/render"}, may: []string{"vocabulary", "model", "look data", "thought"}, forbidden: pure,
		others: []string{"github.com/clipperhouse/displaywidth"},
	},
	"lab": {
		rooms: []string{"internal/lab"}, may: []string{"vocabulary", "doors", "scenery"},
	},
	"wiring": {
		rooms:     []string{"internal/cli"},
		may:       []string{"vocabulary", "model", "look data", "doors", "look", "thought", "act", "faces", "scenery", "lab"},
		forbidden: map[string]string{"os/exec": pure["os/exec"], "unsafe": pure["unsafe"]},
		others:    []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "golang.org/x/sys"},
	},
	"command": {rooms: []string{"cmd/closewait"}, may: []string{"internal/cli"}},
	"scenery": {rooms: []string{"internal/stage"}, may: []string{"vocabulary"}, others: []string{"golang.org/x/sys"}},
	"tests":   {rooms: []string{"internal/nstest", "internal/golden", "internal/archtest", "internal/scenes"}, may: []string{"vocabulary", "scenery"}, others: []string{"golang.org/x/sys", "github.com/google/go-cmp"}},
	"tools": {
		rooms: []string{"tools/needs", "tools/fuzz", "tools/compare", "tools/truth", "tools/arch", "tools/kernels", "tools/kernels/guest"},
		may:   []string{"vocabulary", "model", "look data", "doors", "look", "scenery"}, others: []string{"golang.org/x/sys"},
	},
}

func layerOf(room string) (string, bool) {
	for name, l := range layers {
		if slices.Contains(l.rooms, room) {
			return name, true
		}
	}
	return "", false
}

// room is a package folder with its parsed files, tests left out.
type room struct {
	path  string
	files map[string]*ast.File
}

func rooms(t *testing.T) []room {
	t.Helper()
	root := "../.."
	byPath := map[string]room{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "testdata" || name == "bin" || strings.HasPrefix(name, ".") && name != ".." && path != root) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if byPath[rel].files == nil {
			byPath[rel] = room{rel, map[string]*ast.File{}}
		}
		byPath[rel].files[filepath.Base(path)] = file
		return err
	})
	if err != nil || len(byPath) < 5 {
		t.Fatalf("read the module: %d packages, %v", len(byPath), err)
	}
	var list []room
	for _, r := range byPath {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b room) int { return strings.Compare(a.path, b.path) })
	return list
}

func TestImports(t *testing.T) {
	for _, r := range rooms(t) {
		name, ok := layerOf(r.path)
		if !ok {
			t.Errorf("%s is in no layer: give it a place in layers and in docs/architecture.md", r.path)
			continue
		}
		for file, parsed := range r.files {
			for _, spec := range parsed.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				if why := refuse(name, path); why != "" {
					t.Errorf("%s/%s (%s) imports %s: %s", r.path, file, name, path, why)
				}
			}
		}
	}
}

// refuse returns why a room may not import a package, "" if it may.
func refuse(layerName, path string) string {
	l := layers[layerName]
	if why, ok := l.forbidden[path]; ok {
		return why
	}
	if inside, ok := strings.CutPrefix(path, module); ok {
		target, _ := layerOf(inside)
		if slices.Contains(l.may, target) || slices.Contains(l.may, inside) || sameThought(layerName, target) {
			return ""
		}
		return "imports go down the layers, and not sideways"
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return "" // the rest of the standard library
	}
	for _, other := range l.others {
		if path == other || strings.HasPrefix(path, other+"/") {
			return ""
		}
	}
	return "this layer may not depend on it"
}

// sameThought: thoughts may build on each other, doors and faces may not.
func sameThought(a, b string) bool { return a == "thought" && b == "thought" }

// TestPackageComments wants exactly one per package, in doc.go, except for commands, whose main file says it.
func TestPackageComments(t *testing.T) {
	for _, r := range rooms(t) {
		var have []string
		for file, parsed := range r.files {
			if parsed.Doc != nil {
				have = append(have, file)
			}
		}
		want := "doc.go"
		if strings.HasPrefix(r.path, "cmd/") || strings.HasPrefix(r.path, "tools/") {
			want = "main.go"
		}
		if len(have) != 1 || have[0] != want {
			t.Errorf("%s has its package comment in %v, want one in %s", r.path, have, want)
		}
	}
}

// TestNoInit: nothing happens before main.
func TestNoInit(t *testing.T) {
	for _, r := range rooms(t) {
		for file, parsed := range r.files {
			for _, decl := range parsed.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s/%s has an init function", r.path, file)
				}
			}
		}
	}
}

// TestNoClock: what thinks is told the time.
func TestNoClock(t *testing.T) {
	for _, r := range rooms(t) {
		name, _ := layerOf(r.path)
		if !slices.Contains([]string{"vocabulary", "model", "look data", "thought", "faces", "look"}, name) {
			continue
		}
		for file, parsed := range r.files {
			ast.Inspect(parsed, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "Now" || s.Sel.Name == "Since") {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
						t.Errorf("%s/%s asks the time", r.path, file)
					}
				}
				return true
			})
		}
	}
}

// acting lists the files of the wiring that may reach what changes the system: the verbs that act, and what they share.
var acting = []string{"acting.go", "carryout.go", "apply.go", "confirm.go", "undo.go", "close.go", "limit.go", "tune.go"}

// TestReadVerbsChangeNothing: a verb that reads does not even know the package that acts.
func TestReadVerbsChangeNothing(t *testing.T) {
	found := false
	for _, r := range rooms(t) {
		for file, parsed := range r.files {
			for _, spec := range parsed.Imports {
				if path, _ := strconv.Unquote(spec.Path.Value); path != module+"internal/change" {
					continue
				}
				found = true
				if r.path != "internal/cli" || !slices.Contains(acting, file) {
					t.Errorf("%s/%s imports internal/change, which is for acting verbs alone", r.path, file)
				}
			}
		}
	}
	if !found {
		t.Error("nobody imports internal/change")
	}
}
