package redact

import (
	"net/netip"
	"reflect"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// Redactor remembers which substitute stands for what. It is not safe for concurrent use.
type Redactor struct {
	names, commands, ids map[string]string
	addresses            addresses
	// harmless says of each type whether it can hold nothing to be replaced.
	harmless map[reflect.Type]bool
}

// New returns a Redactor that has seen nothing.
func New() *Redactor {
	return &Redactor{
		names: map[string]string{}, commands: map[string]string{}, ids: map[string]string{},
		addresses: addresses{seen: map[netip.Addr]netip.Addr{}, networks: map[netip.Prefix]*network{}},
		harmless: map[reflect.Type]bool{
			reflect.TypeFor[time.Time]():    true,
			reflect.TypeFor[tcp.Info]():     true, // numbers
			reflect.TypeFor[tcp.Name]():     true, // chosen by the kernel's source: cubic, tls
			reflect.TypeFor[look.Holders](): true, // numbers
		},
	}
}

// Of returns a copy of a value with everything replaced. It shares no memory with the original but what is harmless.
func Of[T any](r *Redactor, value T) T {
	in := reflect.ValueOf(&value).Elem()
	out := r.value(in, "")
	return out.Interface().(T)
}

// Addr returns the substitute of an address.
func (r *Redactor) Addr(a netip.Addr) netip.Addr {
	if zone := a.Zone(); zone != "" {
		return r.addresses.of(a.WithZone("")).WithZone(r.Name(zone))
	}
	return r.addresses.of(a)
}

// value returns the substitute of a value whose field has the treatment how.
func (r *Redactor) value(v reflect.Value, how string) reflect.Value {
	if r.isHarmless(v.Type()) {
		return v
	}
	out := reflect.New(v.Type()).Elem()
	switch known := v.Interface().(type) {
	case look.Host:
		out.Set(reflect.ValueOf(r.host(known)))
		return out
	case netip.Addr:
		out.Set(reflect.ValueOf(r.Addr(known)))
		return out
	case tcp.Endpoint:
		out.Set(reflect.ValueOf(tcp.EndpointFrom(r.Addr(known.Addr()), known.Port())))
		return out
	}
	switch v.Kind() {
	case reflect.String:
		out.SetString(r.text(v.String(), how))
	case reflect.Struct:
		r.structure(out, v)
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(r.value(v.Elem(), how))
		}
	case reflect.Slice:
		r.slice(out, v, how)
	case reflect.Array:
		for i := range v.Len() {
			out.Index(i).Set(r.value(v.Index(i), how))
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for _, key := range sortedKeys(v) { // numbers are given out in this order
				out.SetMapIndex(r.value(key, how), r.value(v.MapIndex(key), how))
			}
		}
	}
	return out // of any other kind nothing stays
}

// structure replaces field by field. What is in unexported fields is not known, and left out.
func (r *Redactor) structure(out, v reflect.Value) {
	of := v.Type()
	for i := range of.NumField() {
		if f := of.Field(i); f.IsExported() {
			out.Field(i).Set(r.value(v.Field(i), f.Tag.Get("redact")))
		}
	}
}

func (r *Redactor) slice(out, v reflect.Value, how string) {
	if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 && how != "keep" {
		return
	}
	out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
	for i := range v.Len() {
		out.Index(i).Set(r.value(v.Index(i), how))
	}
}

// isHarmless reports whether a type can hold neither text nor bytes nor addresses.
func (r *Redactor) isHarmless(of reflect.Type) bool {
	known, seen := r.harmless[of]
	if seen {
		return known
	}
	r.harmless[of] = false // of a type that holds itself
	switch of.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		known = true
	case reflect.Struct:
		known = true
		for i := range of.NumField() {
			known = known && of.Field(i).IsExported() && r.isHarmless(of.Field(i).Type)
		}
	case reflect.Slice, reflect.Array:
		known = of.Elem().Kind() != reflect.Uint8 && r.isHarmless(of.Elem())
	}
	r.harmless[of] = known
	return known
}
