package placeholder

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func naiveForm(b []byte, v FieldValues) []byte {
	pairs := strings.Split(string(b), "&")
	for i, pair := range pairs {
		form, err := url.ParseQuery(pair)
		for field, vs := range form {
			if name, ok := strings.CutPrefix(vs[0], Prefix); ok && err == nil && Valid(name) {
				if text, _ := v(name, field); text != nil {
					pairs[i] = pair[:strings.Index(pair, "=")+1] + url.QueryEscape(string(text))
				}
			}
		}
	}
	return []byte(strings.Join(pairs, "&"))
}

func FuzzForm(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s), []byte{1})
		f.Add([]byte(s), []byte{0, 3, 12})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		if len(in) > maxField {
			return // the bound has a test of its own
		}
		var want, got []use
		text := naiveForm(in, collect(&want))
		if out := inChunks(t, NewForm(collect(&got)), in, cuts); !bytes.Equal(out, text) {
			t.Errorf("%q\ngave %q\nwant %q", in, out, text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: asked for %q, want %q", in, got, want)
		}
	})
}

func TestFormBounds(t *testing.T) {
	long := strings.Repeat("f", maxField)
	in := long + "=AS_SECRET_A&" + long + "%66=AS_SECRET_A&" + strings.Repeat("%66", maxField) + "=AS_SECRET_A&a=AS_SECRET_A&" +
		long + "f%=AS_SECRET_A" // refused also where the name is not kept
	var fields []string
	inChunks(t, NewForm(func(_, field string) ([]byte, error) {
		fields = append(fields, field)
		return nil, nil
	}), []byte(in), []byte{100})
	if want := []string{long, tooFar, long, "a"}; !slices.Equal(fields, want) {
		t.Errorf("%q, want %q", fields, want)
	}
}

func BenchmarkForm(b *testing.B) {
	in := bytes.Repeat([]byte("grant_type=client_credentials&scope=read+write&note=AS+a+matter+of+fact&"), 450)
	b.SetBytes(int64(len(in)))
	dst := make([]byte, 0, len(in))
	for b.Loop() {
		NewForm(fieldless).Feed(dst, in)
	}
}
