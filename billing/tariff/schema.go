package tariff

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"feikong/billing"
	"feikong/internal/document"
)

// Schema is the JSON schema (draft 2020-12) of tariff documents, made from the very types that Parse reads, so that no key is missing.
// It knows keys, words and forms; what must fit together (bands over the day, rising limits) only Parse checks.
func Schema() []byte {
	s := schemaWriter{defs: map[string]any{
		"price":  object{"description": "decimal with at most 8 decimals; as text where the writer would make a float of it", "type": list2("number", "string"), "pattern": `^-?[0-9]+(\.[0-9]{1,8})?$`},
		"kwh":    object{"description": "kWh, at most 6 decimals", "type": list2("number", "string"), "pattern": `^-?[0-9]+(\.[0-9]{1,6})?$`},
		"money":  object{"description": "currency, at most 4 decimals", "type": list2("number", "string"), "pattern": `^-?[0-9]+(\.[0-9]{1,4})?$`},
		"ratio":  object{"description": "0.15, at most 6 decimals, or 15%, at most 4", "type": list2("number", "string"), "pattern": `^-?[0-9]+(\.[0-9]{1,6})?( ?%)?$`},
		"text":   object{"type": list2("string", "number")},
		"number": object{"type": list2("integer", "string"), "pattern": `^-?[0-9]+$`},
		"flag":   object{"type": list2("boolean", "string"), "enum": []any{true, false, "true", "false"}},
	}}
	root := s.of(reflect.TypeFor[raw]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Feikong tariff document 电价文件"
	root["description"] = "One tariff with all its versions. YAML or JSON; docs/tariffs.md explains each key."
	root["$defs"] = s.defs
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic("tariff: schema: " + err.Error()) // maps, lists and texts only
	}
	return out.Bytes()
}

type object = map[string]any

func list2(a, b string) []any { return []any{a, b} }

type schemaWriter struct{ defs object }

// of is the schema of one Go type; structs become definitions that are referred to.
func (s *schemaWriter) of(t reflect.Type) object {
	if t.Kind() == reflect.Struct && strings.HasPrefix(t.Name(), "Of[") {
		t = t.Field(0).Type
	}
	switch t {
	case reflect.TypeFor[billing.Price]():
		return reference("price")
	case reflect.TypeFor[billing.Energy]():
		return reference("kwh")
	case reflect.TypeFor[billing.Money]():
		return reference("money")
	case reflect.TypeFor[ratio]():
		return reference("ratio")
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.String:
		return reference("text")
	case reflect.Bool:
		return reference("flag")
	case reflect.Struct:
		return s.structure(t)
	}
	return reference("number")
}

func reference(name string) object { return object{"$ref": "#/$defs/" + name} }

func (s *schemaWriter) structure(t reflect.Type) object {
	name := strings.ToLower(strings.TrimPrefix(t.Name(), "raw"))
	if name == "" {
		return s.properties(t)
	}
	if _, known := s.defs[name]; !known {
		s.defs[name] = true // holds the place while the type refers to itself
		s.defs[name] = s.properties(t)
	}
	return reference(name)
}

func (s *schemaWriter) properties(t reflect.Type) object {
	properties, required := object{}, []any{}
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" || f.Type == reflect.TypeFor[document.Line]() {
			continue
		}
		value := s.of(f.Type)
		if words := f.Tag.Get("one"); words != "" {
			constrain(value, strings.Split(words, ","))
		}
		if say := f.Tag.Get("say"); say != "" {
			value["description"] = say
		}
		properties[key] = value
		if f.Tag.Get("need") != "" {
			required = append(required, key)
		}
	}
	all := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		all["required"] = required
	}
	if t == reflect.TypeFor[rawComponent]() {
		all["minProperties"], all["maxProperties"] = 1, 1
	}
	return all
}

// constrain allows certain words only, in the value or in the items of a list. A word that looks like a number may be written as one.
func constrain(value object, words []string) {
	if items, ok := value["items"].(object); ok {
		constrain(items, words)
		return
	}
	delete(value, "$ref")
	all := make([]any, 0, len(words))
	for _, w := range words {
		all = append(all, w)
		if w[0] >= '0' && w[0] <= '9' {
			all = append(all, json.Number(w))
		}
	}
	value["enum"] = all
}
