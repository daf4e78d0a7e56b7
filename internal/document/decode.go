package document

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Line is the line of the struct that it is a field of. It has no key.
type Line int

// Of is a value with the line it was written on. Line is 0 when the key was
// absent, which Present reports.
type Of[T any] struct {
	Value T
	Line  int
}

// Present reports whether the document has the key.
func (o Of[T]) Present() bool { return o.Line > 0 }

func (o *Of[T]) place(line int) any {
	o.Line = line
	return &o.Value
}

type placed interface{ place(line int) any }

type decoder struct{ name string }

var (
	lineType     = reflect.TypeFor[Line]()
	durationType = reflect.TypeFor[time.Duration]()
)

func (d decoder) value(node *yaml.Node, out reflect.Value, depth int) error {
	switch {
	case depth > depthMax:
		return d.fault(node, "nested deeper than %d", depthMax)
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return d.fault(node, "anchors and aliases are not allowed; write the value out")
	}
	if p, ok := out.Addr().Interface().(placed); ok {
		return d.value(node, reflect.ValueOf(p.place(node.Line)).Elem(), depth+1)
	}
	if text, ok := out.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return d.text(node, text)
	}
	switch out.Kind() {
	case reflect.Struct:
		return d.mapping(node, out, depth)
	case reflect.Slice:
		return d.sequence(node, out, depth)
	case reflect.Pointer:
		out.Set(reflect.New(out.Type().Elem()))
		return d.value(node, out.Elem(), depth+1)
	}
	return d.scalar(node, out)
}

func (d decoder) mapping(node *yaml.Node, out reflect.Value, depth int) error {
	t := out.Type()
	if node.Kind != yaml.MappingNode {
		return d.wrong(node, "want keys with values, from: "+strings.Join(keys(t), ", "))
	}
	for i := range t.NumField() {
		if t.Field(i).Type == lineType {
			out.Field(i).SetInt(int64(node.Line))
		}
	}
	seen := make(map[string]int, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" {
			return d.fault(key, "a key must be a plain word")
		}
		field := fieldOf(t, key.Value)
		if field < 0 {
			return d.fault(key, "unknown key %q, %s", key.Value, nearest(key.Value, keys(t)))
		}
		if first, twice := seen[key.Value]; twice {
			return d.fault(key, "key %q stands here again, first on line %d; keep one", key.Value, first)
		}
		seen[key.Value] = key.Line
		if err := d.value(value, out.Field(field), depth+1); err != nil {
			return keyed(err, key.Value)
		}
	}
	return nil
}

// keyed puts the innermost key before what is wrong with its value.
func keyed(err error, key string) error {
	var fault *Error
	if errors.As(err, &fault) && !fault.keyed {
		return &Error{Name: fault.Name, Line: fault.Line, Text: key + ": " + fault.Text, keyed: true}
	}
	return err
}

// wrong is a fault of a value; the mapping around it names the key.
func (d decoder) wrong(node *yaml.Node, text string) error {
	return &Error{Name: d.name, Line: node.Line, Text: text}
}

// fault is one that names the key itself.
func (d decoder) fault(node *yaml.Node, format string, args ...any) error {
	return &Error{Name: d.name, Line: node.Line, Text: fmt.Sprintf(format, args...), keyed: true}
}

func (d decoder) sequence(node *yaml.Node, out reflect.Value, depth int) error {
	if node.Kind != yaml.SequenceNode {
		return d.wrong(node, "want a list; write it in brackets, as [a, b]")
	}
	list := reflect.MakeSlice(out.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		if err := d.value(item, list.Index(i), depth+1); err != nil {
			return err
		}
	}
	out.Set(list)
	return nil
}

func (d decoder) text(node *yaml.Node, out encoding.TextUnmarshaler) error {
	if err := d.plain(node); err != nil {
		return err
	}
	if err := out.UnmarshalText([]byte(node.Value)); err != nil {
		return d.wrong(node, err.Error())
	}
	return nil
}

func (d decoder) plain(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return d.wrong(node, "want one value")
	}
	if node.Tag == "!!null" {
		return d.wrong(node, "has no value; give one or remove the key")
	}
	return nil
}

func (d decoder) scalar(node *yaml.Node, out reflect.Value) error {
	if err := d.plain(node); err != nil {
		return err
	}
	switch {
	case out.Type() == durationType:
		span, err := time.ParseDuration(node.Value)
		if err != nil {
			return d.wrong(node, strconv.Quote(node.Value)+" is not a time span; write it like 7s, 30m or 72h")
		}
		out.SetInt(int64(span))
	case out.Kind() == reflect.String:
		out.SetString(node.Value)
	case out.Kind() == reflect.Bool:
		if node.Value != "true" && node.Value != "false" {
			return d.wrong(node, strconv.Quote(node.Value)+" is neither true nor false")
		}
		out.SetBool(node.Value == "true")
	case out.Kind() == reflect.Int || out.Kind() == reflect.Int64:
		n, err := strconv.ParseInt(node.Value, 10, 64)
		if err != nil || out.OverflowInt(n) {
			return d.wrong(node, strconv.Quote(node.Value)+" is not a whole number in range")
		}
		out.SetInt(n)
	default:
		return d.wrong(node, "cannot hold a value of type "+out.Type().String())
	}
	return nil
}

func keys(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			all = append(all, key)
		}
	}
	return all
}

func fieldOf(t reflect.Type, key string) int {
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag == key {
			return i
		}
	}
	return -1
}
