package visible

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain text,\twith\nlines":         "plain text,\twith\nlines",
		"Grüße aus Köln, 日本 🙂":             "Grüße aus Köln, 日本 🙂",
		"\x1b[2J\x1b]0;title\x07":          "·[2J·]0;title·",
		"a\r\nforged":                      "a·\nforged",
		"\u009b31m\u202egpj.exe\u2066\x7f": "·31m·gpj.exe··",
		"\u2028\u2029\u200b\ufeff\xff\xfe": "······",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// What is written says the same, and none of it is obeyed by a terminal.
func FuzzA1JSON(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J", "\u009b31m", "\u202egpj", "\U000e0001", "\xff", "\\u202e\"", "日本", "a\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(map[string]string{s: s}); err != nil {
			t.Fatal(err)
		}
		got := JSON(b.Bytes())
		for _, r := range strings.TrimSuffix(string(got), "\n") {
			if !unicode.IsPrint(r) {
				t.Fatalf("%U stands in %q", r, got)
			}
		}
		var before, after map[string]string
		if json.Unmarshal(b.Bytes(), &before) != nil || json.Unmarshal(got, &after) != nil {
			t.Fatalf("%q is no JSON", got)
		}
		for k, v := range before {
			if after[k] != v {
				t.Fatalf("%q became %q", k, got)
			}
		}
	})
}
