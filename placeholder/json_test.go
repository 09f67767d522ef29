package placeholder

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var dots = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

// naiveJSON lets encoding/json say where strings end, and follows the path.
func naiveJSON(b []byte, v FieldValues) []byte {
	var out []byte
	var open []json.Delim
	path := []string{""} // of the value that comes next, one element ahead of open
	count := []int{0}    // of tokens in each
	done := 0
	for dec := json.NewDecoder(bytes.NewReader(b)); ; {
		tok, err := dec.Token()
		if err != nil {
			return append(out, b[done:]...)
		}
		d, _ := tok.(json.Delim)
		if d == ']' || d == '}' {
			open, path, count = open[:len(open)-1], path[:len(path)-1], count[:len(count)-1]
			continue
		}
		in, isName := len(open)-1, false
		if in >= 0 && open[in] == '[' {
			path[in+1] = strconv.Itoa(count[in+1])
		} else if in >= 0 && count[in+1]%2 == 0 {
			path[in+1], isName = dots.Replace(tok.(string)), true
		}
		count[in+1]++
		if d != 0 {
			open, path, count = append(open, d), append(path, ""), append(count, 0)
		}
		s, _ := tok.(string)
		end := int(dec.InputOffset()) - 1
		name, ok := strings.CutPrefix(s, Prefix)
		if isName || !ok || !Valid(name) {
			continue
		}
		start := bytes.LastIndexByte(b[:end], '"') + 1 // what is written in between has no quote
		text, _ := v(name, strings.Join(path[1:], "."))
		if text == nil {
			continue
		}
		out = append(out, b[done:start]...)
		if out, err = appendJSON(out, text); err != nil {
			panic(err)
		}
		done = end
	}
}

type use struct{ name, field string }

func collect(uses *[]use) FieldValues {
	return func(name, field string) ([]byte, error) {
		*uses = append(*uses, use{name, field})
		return value(name), nil
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s), []byte{1})
		f.Add([]byte(s), []byte{0, 3, 12})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		if bytes.Count(in, []byte("["))+bytes.Count(in, []byte("{")) > maxLevels || len(in) > maxNames {
			return // the bounds have a test of their own
		}
		var want, got []use
		text := naiveJSON(in, collect(&want))
		if out := inChunks(t, NewJSON(collect(&got)), in, cuts); !bytes.Equal(out, text) {
			t.Errorf("%q\ngave %q\nwant %q", in, out, text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: asked for %q, want %q", in, got, want)
		}
		var before, after any
		if json.Unmarshal(in, &before) == nil && utf8Clean(in) {
			if err := json.Unmarshal(text, &after); err != nil || !reflect.DeepEqual(expanded(before), after) {
				t.Errorf("%q became %q: %v", in, text, err)
			}
		}
	})
}

func utf8Clean(b []byte) bool { return bytes.Equal(bytes.ToValidUTF8(b, nil), b) }

// expanded is what decoded JSON must become.
func expanded(v any) any {
	switch v := v.(type) {
	case string:
		if name, ok := strings.CutPrefix(v, Prefix); ok && Valid(name) && value(name) != nil {
			return string(value(name))
		}
	case []any:
		for i := range v {
			v[i] = expanded(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = expanded(v[k])
		}
	}
	return v
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("")
	f.Add("\"\\/\x00\x1f\x7f\u2028\n\r\té😀")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := appendJSON([]byte(`"`), []byte(s))
		var back string
		if err == nil {
			err = json.Unmarshal(append(b, '"'), &back)
		}
		if valid := utf8Clean([]byte(s)); valid && (err != nil || back != s) || !valid && err != ErrNotAllowed {
			t.Errorf("%q became %q, %v", s, b, err)
		}
	})
}

func TestJSONNotUTF8(t *testing.T) {
	rw := NewJSON(func(string, string) ([]byte, error) { return []byte("secret\xff"), nil })
	out, err := rw.Feed(nil, []byte(`{"a":"AS_SECRET_KEY"}`))
	if string(out) != `{"a":"` || !errors.Is(err, ErrNotAllowed) {
		t.Errorf("%q, %v", out, err)
	}
	if err == nil || !strings.Contains(err.Error(), "KEY") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v must name the key and nothing of the value", err)
	}
}

func fieldsOf(t *testing.T, in string) []string {
	t.Helper()
	var fields []string
	rw := NewJSON(func(_, field string) ([]byte, error) {
		fields = append(fields, field)
		return []byte("v"), nil
	})
	for b := []byte(in); len(b) > 0; { // no longer than a packet
		n := min(1400, len(b))
		if _, err := rw.Feed(nil, b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	return fields
}

func nested(depth int, open, inside, end string) string {
	return strings.Repeat(open, depth) + inside + strings.Repeat(end, depth)
}

func TestJSONBounds(t *testing.T) {
	const ph = `"AS_SECRET_A"`
	long := strings.Repeat("n", maxNames)
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"deep arrays", `[` + nested(maxLevels-1, `[`, ph, `]`) + `,` + ph + `]`, []string{"0" + strings.Repeat(".0", maxLevels-1), "1"}},
		{"too deep arrays", `[` + nested(maxLevels, `[1,`, ph+`,`+ph, `]`) + `,` + ph + `]`,
			slices.Repeat([]string{"0" + strings.Repeat(".1", maxLevels-1) + "." + tooFar}, 2)},
		{"too deep objects", nested(maxLevels+2, `{"a":`, ph, `}`) + `{"b":` + ph + `}`, []string{"a" + strings.Repeat(".a", maxLevels-1) + "." + tooFar, "b"}},
		{"long name", `{"` + long + `":` + ph + `,"a":` + ph + `}`, []string{long, "a"}},
		{"too long name", `{"` + long + `n":{"b":` + ph + `},"a":` + ph + `}`, []string{tooFar, "a"}},
		{"names too long together", `{"` + long[1:] + `":{"bb":` + ph + `,"b":[` + ph + `]}}`, []string{long[1:] + "." + tooFar, long[1:] + ".b.0"}},
		{"too long name in packets", `{"` + long + long + `":` + ph + `}`, []string{tooFar}},
		{"many names", `[` + strings.Repeat(`{"`+long+`":0},`, 3) + `{"a":` + ph + `}]`, []string{"3.a"}},
		{"escaped name", `{"a.b\\c":{"d":` + ph + `}}`, []string{`a\.b\\c.d`}},
		{"deepest", nested(maxDepth, `[`, `1`, `]`) + ph, []string{""}},
		{"deeper than JSON goes", nested(maxDepth+1, `[`, `1`, `]`) + ph, nil},
	} {
		if c.name == "too deep arrays" {
			c.want = append(c.want, "1")
		}
		if got := fieldsOf(t, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// However deep, and however long names are, memory stays bounded.
func TestJSONMemory(t *testing.T) {
	rw := NewJSON(fieldless).(*jsonRewriter)
	chunk := bytes.Repeat([]byte(`{"a long name that goes on":[`), 1000)
	for range 1000 {
		if _, err := rw.Feed(chunk[:0:0], chunk); err != nil {
			t.Fatal(err)
		}
	}
	if p := &rw.lex.path; cap(rw.lex.open) > 2*maxDepth || cap(p.names) > 2*maxNames || cap(p.levels) > 2*maxLevels {
		t.Error(cap(rw.lex.open), cap(p.names), cap(p.levels))
	}
}

func BenchmarkJSON(b *testing.B) {
	b.SetBytes(int64(len(jsonText)))
	dst := make([]byte, 0, len(jsonText))
	for b.Loop() {
		rw := NewJSON(fieldless)
		rw.Feed(dst, []byte("["))
		rw.Feed(dst, jsonText)
	}
}

func BenchmarkNaiveJSON(b *testing.B) {
	b.SetBytes(int64(len(jsonText)))
	in := "[" + string(jsonText[:len(jsonText)-1]) + "]"
	for b.Loop() {
		dec := json.NewDecoder(strings.NewReader(in))
		for {
			if _, err := dec.Token(); err != nil {
				if err != io.EOF {
					b.Fatal(err)
				}
				break
			}
		}
	}
}
