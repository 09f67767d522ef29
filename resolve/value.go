package resolve

import (
	"bytes"
	"crypto/subtle"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Value holds the bytes of a secret. Printing, logging or encoding one shows the same fixed text whatever it holds;
// [Value.Reveal] is the only way to the bytes. The zero Value holds nothing.
//
// The bytes sit behind a closure because fmt and reflect cannot call our methods on a Value in somebody's unexported
// field: there they print the field itself, and of a func they know only its address.
type Value struct {
	reveal func() []byte
}

// masked stands for a value wherever a printer or an encoder calls our methods.
const masked = "[secret value]"

// errDecode is the answer of every decoder. Value encodes to a fixed text, so decoding that text back would make a
// value that looks like a secret and is none.
var errDecode = errors.New("a secret value cannot be decoded: it is only ever read from a store")

// New returns a Value that holds a copy of b.
func New(b []byte) Value {
	kept := bytes.Clone(b)
	if kept == nil {
		kept = []byte{}
	}
	kept = kept[:len(kept):len(kept)] // an append by a caller must not write into our array
	return Value{reveal: func() []byte { return kept }}
}

// Reveal returns the bytes, nil for the zero Value. They are shared with every copy of v: do not change them.
func (v Value) Reveal() []byte {
	if v.reveal == nil {
		return nil
	}
	return v.reveal()
}

// IsZero reports whether v is the zero Value, which is not the same as holding no bytes.
func (v Value) IsZero() bool { return v.reveal == nil }

// Equal reports whether both are the same bytes, in a time that does not tell where they differ.
func (v Value) Equal(w Value) bool {
	return v.IsZero() == w.IsZero() && subtle.ConstantTimeCompare(v.Reveal(), w.Reveal()) == 1
}

// MaxValue is how many bytes a secret may have. Keychains may allow less.
const MaxValue = 64 << 10

// SizeError says that a value is empty, or longer than MaxValue.
type SizeError struct {
	Size int
}

func (e *SizeError) Error() string {
	if e.Size == 0 {
		return "the value is empty"
	}
	return fmt.Sprintf("the value has %d bytes, a secret may have %d", e.Size, MaxValue)
}

// fits refuses what no store should keep. An empty value would make "Bearer " of a request that names it.
func (v Value) fits() error {
	if n := len(v.Reveal()); n == 0 || n > MaxValue {
		return &SizeError{Size: n}
	}
	return nil
}

// String returns a fixed text.
func (Value) String() string { return masked }

// GoString returns a fixed text.
func (Value) GoString() string { return masked }

// Format writes a fixed text for every verb, flag, width and precision.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue returns a fixed text.
func (Value) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalJSON encodes a fixed text.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// MarshalText encodes a fixed text.
func (Value) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalBinary encodes a fixed text.
func (Value) MarshalBinary() ([]byte, error) { return []byte(masked), nil }

// GobEncode encodes a fixed text.
func (Value) GobEncode() ([]byte, error) { return []byte(masked), nil }

// MarshalXML encodes a fixed text.
func (Value) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(masked, start)
}

// MarshalXMLAttr encodes a fixed text.
func (Value) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: name, Value: masked}, nil
}

// MarshalYAML encodes a fixed text, in the libraries that know this method.
func (Value) MarshalYAML() (any, error) { return masked, nil }

// UnmarshalJSON always fails.
func (*Value) UnmarshalJSON([]byte) error { return errDecode }

// UnmarshalText always fails.
func (*Value) UnmarshalText([]byte) error { return errDecode }

// UnmarshalBinary always fails.
func (*Value) UnmarshalBinary([]byte) error { return errDecode }

// GobDecode always fails.
func (*Value) GobDecode([]byte) error { return errDecode }

// UnmarshalXML always fails.
func (*Value) UnmarshalXML(*xml.Decoder, xml.StartElement) error { return errDecode }

// UnmarshalXMLAttr always fails.
func (*Value) UnmarshalXMLAttr(xml.Attr) error { return errDecode }

// UnmarshalYAML always fails, in the libraries that know this method.
func (*Value) UnmarshalYAML(func(any) error) error { return errDecode }
