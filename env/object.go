package env

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// object is a JSON object whose fields keep their order, and their values as
// they were written, until they are set.
type object []field

type field struct {
	name  string
	value json.RawMessage
}

var errObject = errors.New("it is not a JSON object")

func parseObject(b []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errObject, err)
	}
	var o object
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		o.put(name.(string), value) // Token answers nothing else where a name must stand
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return o, nil
}

func (o object) get(name string) json.RawMessage {
	for _, f := range o {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

// put replaces a field in its place or adds it at the end.
func (o *object) put(name string, value json.RawMessage) {
	i := slices.IndexFunc(*o, func(f field) bool { return f.name == name })
	if i < 0 {
		*o = append(*o, field{name, value})
		return
	}
	(*o)[i].value = value
}

func (o *object) set(name string, v any) error {
	value, err := encode(v)
	if err != nil {
		return err
	}
	o.put(name, value)
	return nil
}

// text is a field that holds a string; where it is missing or null, "".
func (o object) text(name string) (string, error) {
	var s *string
	if err := o.into(name, &s); err != nil || s == nil {
		return "", err
	}
	return *s, nil
}

// into decodes a field if it is there.
func (o object) into(name string, v any) error {
	value := o.get(name)
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("field %s: %w", name, err)
	}
	return nil
}

// bytes is the object as a file.
func (o object) bytes() ([]byte, error) {
	var flat, b bytes.Buffer
	flat.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			flat.WriteByte(',')
		}
		name, err := encode(f.name)
		if err != nil {
			return nil, err
		}
		flat.Write(name)
		flat.WriteByte(':')
		flat.Write(f.value)
	}
	flat.WriteByte('}')
	if err := json.Indent(&b, flat.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// encode leaves <, > and & as people wrote them.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
