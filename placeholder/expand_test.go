package placeholder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

func ExampleNewReader() {
	src := strings.NewReader("Authorization: Bearer AS_SECRET_STRIPE_KEY, not AS_SECRET_OTHER\n")
	r := NewReader(src, func(name string) ([]byte, error) {
		if name == "STRIPE_KEY" {
			return []byte("sk_test_123"), nil
		}
		return nil, nil
	})
	if _, err := io.Copy(os.Stdout, r); err != nil {
		fmt.Println(err)
	}
	// Output: Authorization: Bearer sk_test_123, not AS_SECRET_OTHER
}

var word = regexp.MustCompile(Prefix + `[A-Za-z0-9_]*`)

func naiveText(b []byte, v FieldValues) []byte {
	return word.ReplaceAllFunc(b, func(m []byte) []byte {
		if name := string(m[len(Prefix):]); Valid(name) {
			if text, _ := v(name, ""); text != nil {
				return text
			}
		}
		return m
	})
}

func values(name string) ([]byte, error) { return value(name), nil }

func FuzzS4Expand(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s), []byte{1})
		f.Add([]byte(s), []byte{0, 3, 12})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		want := naiveText(in, fieldless)
		if got, err := Expand([]byte("x"), in, values); err != nil || string(got) != "x"+string(want) {
			t.Errorf("Expand(%q) = %q, %v, want %q", in, got, err, want)
		}
		if got := inChunks(t, &expander{values: values}, in, cuts); !bytes.Equal(got, want) {
			t.Errorf("%q in chunks: %q, want %q", in, got, want)
		}
		var found []Found
		for _, at := range word.FindAllIndex(in, -1) {
			if name := string(in[at[0]+len(Prefix) : at[1]]); Valid(name) {
				found = append(found, Found{name, at[0], at[1]})
			}
		}
		if got := Find(in); fmt.Sprint(got) != fmt.Sprint(found) {
			t.Errorf("Find(%q) = %v, want %v", in, got, found)
		}
	})
}

func TestExpandStopsAtError(t *testing.T) {
	stop := errors.New("stop")
	got, err := Expand(nil, []byte("a AS_SECRET_A b"), func(string) ([]byte, error) { return nil, stop })
	if string(got) != "a " || err != stop {
		t.Errorf("%q, %v", got, err)
	}
}

var jsonText = bytes.Repeat([]byte(`{"role":"user","content":"AS often as not, a text about keys and SECRETS.","n":[1,2.5,-3]},`), 350) // 32 KiB

func BenchmarkExpand(b *testing.B) {
	b.SetBytes(int64(len(jsonText)))
	dst := make([]byte, 0, len(jsonText))
	for b.Loop() {
		dst, _ = Expand(dst[:0], jsonText, values)
	}
}

func BenchmarkNewReader(b *testing.B) {
	b.SetBytes(int64(len(jsonText)))
	buf := make([]byte, 32<<10)
	for b.Loop() {
		r := NewReader(bytes.NewReader(jsonText), values)
		for {
			if _, err := r.Read(buf); err != nil {
				break
			}
		}
	}
}
