package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// A line that is no message is answered, and what follows is read all the same.
func TestMCPLines(t *testing.T) {
	parse, invalid := `"code":-32700`, `"code":-32600`
	for name, c := range map[string]struct {
		said, passes string
		answers      []string
	}{
		"a message":        {ping + "\n", ping + "\n", nil},
		"no JSON":          {"hello\n" + ping + "\n", ping + "\n", []string{parse}},
		"half of one":      {ping[:20] + "\n" + ping + "\r\n", ping + "\n", []string{parse}},
		"two on a line":    {ping + ping + "\n" + ping + "\n", ping + "\n", []string{parse}},
		"no object":        {"7\nnull\n" + ping + "\n", ping + "\n", []string{invalid, invalid}},
		"no message":       {"{}\n{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}\n" + ping + "\n", ping + "\n", []string{invalid, invalid}},
		"a strange ID":     {`{"jsonrpc":"2.0","id":{},"method":"ping"}` + "\n" + ping, ping + "\n", []string{invalid}},
		"nothing":          {"\n \r\n" + ping + "\n", ping + "\n", nil},
		"several":          {"[" + ping + "," + ping + "]\n", "[" + ping + "," + ping + "]\n", nil},
		"several of which": {"[" + ping + ",7]\n[]\n" + ping + "\n", ping + "\n", []string{invalid, invalid}},
		"the last no JSON": {ping + "\nhel", ping + "\n", []string{parse}},
	} {
		var out bytes.Buffer
		l := newMCPLines(io.NopCloser(iotest.OneByteReader(strings.NewReader(c.said))), &out)
		if err := iotest.TestReader(l, []byte(c.passes)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		answers := strings.SplitAfter(out.String(), "\n")
		if answers = answers[:len(answers)-1]; len(answers) != len(c.answers) {
			t.Errorf("%s: answered %q", name, answers)
			continue
		}
		for i, want := range c.answers {
			if !strings.HasPrefix(answers[i], `{"jsonrpc":"2.0","id":null,"error":{`+want) {
				t.Errorf("%s: answered %s", name, answers[i])
			}
		}
		if strings.Contains(out.String(), "hel") {
			t.Errorf("%s: the answer says what stood there: %s", name, &out)
		}
	}
}
