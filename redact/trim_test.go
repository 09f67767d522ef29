package redact

import (
	"encoding/json"
	"strings"
	"testing"

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
