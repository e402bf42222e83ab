package cli

import (
	"reflect"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// schema is a JSON Schema, as far as the types of the contract need one. Maps are printed with sorted keys, so the text is stable.
type schema map[string]any

// nullable are the lists that are null when their contents are not known; all others are empty then.
var nullable = map[string]bool{"Socket.holders": true, "Finding.processes": true, "Report.checks": true}

// schemaBuilder collects the definitions of the types met on the way.
type schemaBuilder struct{ defs schema }

// schemaOf makes the schema of the documents of one kind. All fields are required but those of some lines only; further ones may come with later versions.
func schemaOf(kind string, t reflect.Type) schema {
	b := &schemaBuilder{schema{}}
	root := b.object(t)
	root["properties"].(schema)["kind"] = schema{"const": kind}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = kind
	if len(b.defs) > 0 {
		root["$defs"] = b.defs
	}
	return root
}

// object is the schema of a struct; embedded structs are part of it, as in its JSON.
func (b *schemaBuilder) object(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	b.fields(t, properties, &required)
	return schema{"type": "object", "properties": properties, "required": required}
}

func (b *schemaBuilder) fields(t reflect.Type, properties schema, required *[]string) {
	for f := range t.Fields() {
		if f.Anonymous {
			b.fields(f.Type, properties, required)
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		value := b.value(f.Type)
		if nullable[t.Name()+"."+name] {
			value = orNull(value)
		}
		properties[name] = value
		if option != "omitempty" { // what only some lines of the kind have
			*required = append(*required, name)
		}
	}
}

// value is the schema of a field of some type.
func (b *schemaBuilder) value(t reflect.Type) schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return schema{"type": "string", "format": "date-time"}
	case reflect.TypeFor[report.Seconds]():
		return schema{"type": "number"}
	case reflect.TypeFor[report.Info]():
		return b.info()
	case reflect.TypeFor[report.Value]():
		return schema{"type": []string{"number", "string", "null"}}
	case reflect.TypeFor[report.Detail]():
		return schema{"type": []string{"object", "null"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return orNull(b.value(t.Elem()))
	case reflect.Slice:
		return schema{"type": "array", "items": b.value(t.Elem())}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": b.value(t.Elem())}
	case reflect.Struct:
		if _, met := b.defs[t.Name()]; !met {
			b.defs[t.Name()] = nil // a type that contains itself ends here
			b.defs[t.Name()] = b.object(t)
		}
		return schema{"$ref": "#/$defs/" + t.Name()}
	case reflect.Interface:
		return schema{} // anything
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Float64:
		return schema{"type": "number"}
	}
	return schema{"type": "integer"}
}

// info lists the fields of struct tcp_info. None is required: a kernel sends those it knows.
func (b *schemaBuilder) info() schema {
	properties := schema{}
	for f := range tcp.Fields() {
		kind := "integer"
		if f.Unit() == tcp.Microseconds || f.Unit() == tcp.Milliseconds {
			kind = "number"
		}
		properties[f.Key()] = schema{"type": kind}
	}
	b.defs["Info"] = schema{"type": "object", "properties": properties}
	return orNull(schema{"$ref": "#/$defs/Info"})
}

// orNull allows null besides a value.
func orNull(s schema) schema {
	if kind, ok := s["type"].(string); ok {
		s["type"] = []string{kind, "null"}
		return s
	}
	return schema{"anyOf": []schema{s, {"type": "null"}}}
}
