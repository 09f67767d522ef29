package redact

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/agentsecrets/agentsecrets/placeholder"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// White space around a value does not hide it, however it is written.
func TestWhiteSpaceAround(t *testing.T) {
	const inner = "crlf2-value-99887766"
	for _, value := range []string{inner + "\r", inner + "\r\n", inner + "\n", " " + inner, "\t" + inner + " ", inner + "\x00"} {
		s := NewSet()
		s.Add(resolve.New([]byte(value)))
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, echo := range []string{value, inner, string(quoted), inner + `\u000d`, inner + `\r`, inner + "%0D%0A"} {
			got, counts := s.Value([]byte("<" + echo + ">"))
			if strings.Contains(string(got), inner) || counts.Total() == 0 {
				t.Errorf("%q echoed as %q comes back as %q", value, echo, got)
			}
		}
	}
}

// A value with a tab is found in every form, in streams too, and so is what our
// own escapers make of control bytes.
func TestControlBytesInside(t *testing.T) {
	const value = "user-ab12cd34ef\tpass-gh56ij78"
	s := NewSet()
	s.Add(resolve.New([]byte(value)))
	own, err := placeholderJSON(value)
	if err != nil {
		t.Fatal(err)
	}
	quoted, _ := json.Marshal(value)
	for _, echo := range []string{value, own, string(quoted), strings.ReplaceAll(value, "\t", `\t`), strings.ReplaceAll(value, "\t", `\u0009`)} {
		got, err := io.ReadAll(NewReader(iotest.OneByteReader(strings.NewReader("<"+echo+">\n")), s))
		if err != nil || strings.Contains(string(got), "pass-gh56ij78") {
			t.Errorf("%q comes back as %q, %v", echo, got, err)
		}
	}
}

// placeholderJSON is a JSON body in which our own expander put value.
func placeholderJSON(value string) (string, error) {
	rw := placeholder.NewJSON(func(string, string) ([]byte, error) { return []byte(value), nil })
	b, err := rw.Feed(nil, []byte(`{"k":"AS_SECRET_K"}`))
	if err != nil {
		return "", err
	}
	b, err = rw.Flush(b)
	return string(b), err
}
