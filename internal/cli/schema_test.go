package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSchema_fits_what_is_printed holds every document against the schema of its kind: it has all that is required, nothing the schema does not name, and each value is of its type. With ndjson each line is
// a document.
func TestSchema_fits_what_is_printed(t *testing.T) {
	plan := filepath.Join(t.TempDir(), "plan")
	for _, args := range [][]string{
		{}, {"ls"}, {"ls", "stuck"}, {"show", "payments-api"}, {"doctor"}, {"when"}, {"when", "--if", "tcp_retries2=5"}, {"when", "--table"}, {"check"}, {"report", "--format", "json"},
		{"explain"}, {"explain", "leak"}, {"tune"}, {"tune", "-n", "tcp_retries2=8"}, {"tune", "tcp_retries2=8", "--save", plan}, {"changes"}, {"capabilities"}, {"version"}, {"lab", "list"},
		{"lss"}, {"ls", "--netns", "a,,b"}, {"explain", "leek"}, {"undo", "91d4"},
	} {
		for _, format := range []string{formatJSON, formatNDJSON} {
			args := append(slices.Clone(args), "-o", format)
			stdout, stderr, _ := run(t, nil, args...)
			documents := []string{stdout}
			if format == formatNDJSON {
				documents = strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
			}
			for line := range strings.Lines(stderr) {
				if strings.HasPrefix(line, "{") {
					documents = append(documents, line)
				}
			}
			found := 0
			for _, text := range documents {
				if text == "" {
					continue
				}
				var doc map[string]any
				if err := json.Unmarshal([]byte(text), &doc); err != nil {
					t.Errorf("%v: %v in %.80q", args, err, text)
					continue
				}
				found++
				kind, _ := doc["kind"].(string)
				rules := schemaNamed(t, kind)
				for _, wrong := range violations(rules, rules, doc, kind) {
					t.Errorf("%v: %s", args, wrong)
				}
			}
			if found == 0 && !slices.Contains(args, "--save") {
				t.Errorf("%v printed no document: %q", args, stderr)
			}
		}
	}
}

func schemaNamed(t *testing.T, kind string) map[string]any {
	t.Helper()
	out, stderr, code := run(t, nil, "schema", kind)
	var rules map[string]any
	if err := json.Unmarshal([]byte(out), &rules); code != 0 || err != nil {
		t.Fatalf("schema of %q: exit %d, %v, %s", kind, code, err, stderr)
	}
	return rules
}

// violations lists where a value is not what a schema wants, as far as our schemas go; root has the definitions. Fields without a rule are violations, though a schema allows them.
func violations(root, rules map[string]any, value any, path string) (wrong []string) {
	if ref, ok := rules["$ref"].(string); ok {
		defined, _ := root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		return violations(root, defined, value, path)
	}
	if choices, ok := rules["anyOf"].([]any); ok {
		for _, choice := range choices {
			if wrong = violations(root, choice.(map[string]any), value, path); len(wrong) == 0 {
				return nil
			}
			if value != nil { // the first choice is the one that is not null
				return wrong
			}
		}
		return wrong
	}
	if constant, ok := rules["const"]; ok && constant != value {
		return []string{fmt.Sprintf("%s is %v, not %v", path, value, constant)}
	}
	if kinds, ok := rules["type"]; ok && !slices.Contains(typesOf(kinds), typeOf(value)) {
		if n, isNumber := value.(float64); !isNumber || n != float64(int64(n)) || !slices.Contains(typesOf(kinds), "integer") {
			return []string{fmt.Sprintf("%s is %v, not of type %v", path, value, kinds)}
		}
	}
	switch value := value.(type) {
	case []any:
		items, _ := rules["items"].(map[string]any)
		for i, item := range value {
			wrong = append(wrong, violations(root, items, item, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case map[string]any:
		properties, _ := rules["properties"].(map[string]any)
		for _, name := range asList(rules["required"]) {
			if _, there := value[name.(string)]; !there {
				wrong = append(wrong, fmt.Sprintf("%s has no %s", path, name))
			}
		}
		others, free := rules["additionalProperties"].(map[string]any)
		for name, field := range value {
			rule, known := properties[name].(map[string]any)
			if !known && (free || properties == nil) {
				rule, known = others, true
			}
			if !known {
				wrong = append(wrong, fmt.Sprintf("%s.%s is not in the schema", path, name))
				continue
			}
			wrong = append(wrong, violations(root, rule, field, path+"."+name)...)
		}
	}
	return wrong
}

// typesOf makes a list of a type or several.
func typesOf(kinds any) (list []string) {
	if kind, ok := kinds.(string); ok {
		return []string{kind}
	}
	for _, kind := range asList(kinds) {
		list = append(list, kind.(string))
	}
	return list
}

func asList(value any) []any {
	list, _ := value.([]any)
	return list
}

// typeOf names the type of a value as schemas do.
func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}
