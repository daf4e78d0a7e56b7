// Package document reads strict YAML documents from bytes: tariffs, policies
// and audit rules. An unknown key is an error with its line and the nearest
// key that exists; a repeated key is refused; numbers keep the text they were
// written in, so a decimal never passes through floating point.
//
// JSON is accepted too, being YAML.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SizeMax bounds a document: a province's tariffs of ten years are below
// 100 kB, and a larger file is some other file.
const SizeMax = 1 << 20

// depthMax bounds nesting; our documents need six.
const depthMax = 32

// Error is one fault of a document, at a line.
type Error struct {
	Name string // of the document, as the caller called it
	Line int    // from 1; 0 for the document as a whole
	Text string // what is wrong and how to mend it

	keyed bool // Text names the key
}

// Error is "NAME: line 7: text".
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Name, e.Text)
	}
	return fmt.Sprintf("%s: line %d: %s", e.Name, e.Line, e.Text)
}

// Errorf is a fault of the document called name at line.
func Errorf(name string, line int, format string, args ...any) error {
	return &Error{Name: name, Line: line, Text: fmt.Sprintf(format, args...)}
}

// Decode reads data into the struct that out points to. Keys are those of the
// fields' yaml tags; fields without a tag cannot be written in a document.
//
// A field may be a struct, a pointer to one (nil when the key is absent), a
// slice, a string, bool, int, int64 or time.Duration ("72h"), anything with
// UnmarshalText, an Of[T] of those, or a Line, which takes the line of its
// struct and is no key. Fields whose key is absent keep what they held, so out
// may come with defaults. Maps are not for documents: their keys are unchecked.
//
// A fault of the document is an *Error; a syntax error has line 0 when the
// YAML reader does not tell it.
func Decode(name string, data []byte, out any) error {
	target := reflect.ValueOf(out)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode %s: want a pointer to a struct, got %T", name, out)
	}
	if len(data) > SizeMax {
		return Errorf(name, 0, "document has %d bytes, at most %d", len(data), SizeMax)
	}
	reader := yaml.NewDecoder(bytes.NewReader(asYAML(data)))
	var root, more yaml.Node
	if err := reader.Decode(&root); errors.Is(err, io.EOF) {
		return Errorf(name, 0, "document is empty")
	} else if err != nil {
		return syntax(name, err)
	}
	if err := reader.Decode(&more); err == nil {
		return Errorf(name, more.Line, "a second document begins here; keep one to a file")
	} else if !errors.Is(err, io.EOF) {
		return syntax(name, err)
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return Errorf(name, 0, "document is empty")
	}
	d := decoder{name}
	return d.value(root.Content[0], target.Elem(), 0)
}

// syntax makes an *Error of the YAML reader's "yaml: line 3: what".
func syntax(name string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, what, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				line, text = n, what
			}
		}
	}
	return &Error{Name: name, Line: line, Text: "not readable as YAML: " + text, keyed: true}
}
