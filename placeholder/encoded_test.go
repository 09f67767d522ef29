package placeholder

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFindEncoded(t *testing.T) {
	one := func(e Encoding, start, end int, names ...string) []Encoded { return []Encoded{{e, names, start, end}} }
	for _, c := range []struct {
		in   string
		as   Encoding
		want []Encoded
	}{
		{"", InQuery, nil},
		{"AS_SECRET_X", InQuery, one(Plain, 0, 11, "X")},
		{"AS%5FSECRET%5fX", InQuery, one(Percent, 0, 15, "X")},
		{"AS%5FSECRET%5fX", InPath, one(Percent, 0, 15, "X")},
		{"AS%5FSECRET%5fX", InHeader, nil},
		{"%41%53%5f%53%45%43%52%45%54%5f%58", InPath, one(Percent, 0, 33, "X")},
		{"%20AS_SECRET_X%20", InPath, one(Plain, 3, 14, "X")},
		{"AS_SECRET_KEY%5F2", InPath, one(Percent, 0, 17, "KEY_2")},
		{"AS_SECRET_KEY%5F2", InHeader, one(Plain, 0, 13, "KEY")},
		{"AS_SECRET_KEY%72ing", InPath, nil}, // a word that goes on
		{"AS_SECRET_KEY%C3%A9", InPath, one(Plain, 0, 13, "KEY")},
		{"AS_SECRET_KEY%zz", InPath, one(Plain, 0, 13, "KEY")},
		{"AS_SECRET_KEY%5", InPath, one(Plain, 0, 13, "KEY")},
		{"AS%255FSECRET_X", InPath, nil}, // twice
		{"%u0041S_SECRET_X", InPath, nil},
		{"a-AS%5FSECRET_X.AS_SECRET_Y", InPath, []Encoded{{Percent, []string{"X"}, 2, 15}, {Plain, []string{"Y"}, 16, 27}}},

		{"Bearer QVNfU0VDUkVUX1g=", InHeader, one(Base64, 7, 23, "X")},
		{"Bearer QVNfU0VDUkVUX1g", InHeader, one(Base64, 7, 22, "X")},
		{"QVNfU0VDUkVUX1g=", InPath, nil},
		{"QVNfU0VDUkVUX1g=", InQuery, one(Base64, 0, 16, "X")},
		{"QVNfU0VDUkVUX1g%3D", InQuery, one(Base64, 0, 18, "X")},
		{"QVNfU0VDUkVUX1g%3d", InHeader, one(Base64, 0, 15, "X")}, // the % ends it
		{"%51VNfU0VDUkVUX1g", InQuery, one(Base64, 0, 17, "X")},
		{"Bearer+QVNfU0VDUkVUX1g", InQuery, one(Base64, 7, 22, "X")},
		{"Bearer+QVNfU0VDUkVUX1g", InHeader, nil},
		{"QVNfU0VDUkVUX1g==", InHeader, nil},
		{"QVNfU0VDUkVUX1g=, x", InHeader, one(Base64, 0, 16, "X")},
		{"a=QVNfU0VDUkVUX1g=; b=1", InHeader, one(Base64, 2, 18, "X")},
		{"QVNfU0VDUkVUX1g=b", InHeader, one(Base64, 0, 15, "X")},
		{`token="QVNfU0VDUkVUX1g="`, InHeader, one(Base64, 7, 23, "X")},
		{"x.QVNfU0VDUkVUX1g.y", InHeader, nil}, // part of a token: a JWT is signed
		{"xQVNfU0VDUkVUX1g", InHeader, nil},    // not at a digit that it can begin with
		{"QVNfU0VDUkVUX1", InHeader, nil},
		{b64("AS_SECRET_X:AS_SECRET_Y?\xff"), InHeader, one(Base64, 0, 36, "X", "Y")},
		{b64("id:AS_SECRET_X"), InHeader, one(Base64, 0, 20, "X")},
		{b64("i:AS_SECRET_XX"), InHeader, one(Base64, 0, 20, "XX")},
		{b64("AS_SECRET_Xring"), InHeader, nil},
		{b64("AS_SECRET_Xring AS_SECRET_Y"), InHeader, one(Base64, 0, 36, "Y")},
		{b64(b64("AS_SECRET_X")), InHeader, nil}, // twice
		{"QVNfU0VDUkVUX1gxAS_SECRET_Y", InHeader, one(Plain, 16, 27, "Y")},
		{"AS_SECRET_Y QVNfU0VDUkVUX1g=", InHeader, []Encoded{{Plain, []string{"Y"}, 0, 11}, {Base64, []string{"X"}, 12, 28}}},
		{"QVNfU0VDUkVUX1g= AS_SECRET_Y", InHeader, []Encoded{{Base64, []string{"X"}, 0, 16}, {Plain, []string{"Y"}, 17, 28}}},
	} {
		if got := FindEncoded([]byte(c.in), c.as); !reflect.DeepEqual(got, c.want) {
			t.Errorf("FindEncoded(%q, %b) = %+v, want %+v", c.in, c.as, got, c.want)
		}
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestExpandEncoded(t *testing.T) {
	v := func(name string) ([]byte, error) {
		return map[string][]byte{"X": []byte("a b/?~~\xff\xfe"), "E": {}, "P": []byte("AS_SECRET_X")}[name], nil
	}
	query := func(b []byte) ([]byte, error) { return EscapeQuery(b), nil }
	for _, c := range []struct {
		in     string
		as     Encoding
		escape func([]byte) ([]byte, error)
		want   string
	}{
		{"k-AS_SECRET_X.", InQuery, query, "k-a+b%2F%3F~~%FF%FE."},
		{"k-AS%5FSECRET_X%20AS_SECRET%5FNO", InQuery, query, "k-a+b%2F%3F~~%FF%FE%20AS_SECRET%5FNO"},
		{"AS_SECRET_E%5f!AS_SECRET_E", InQuery, query, "AS_SECRET_E%5f!"},
		{"Bearer QVNfU0VDUkVUX1g=", InHeader, nil, "Bearer YSBiLz9+fv/+"},
		{"Bearer QVNfU0VDUkVUX1g", InHeader, nil, "Bearer YSBiLz9-fv_-"},
		{"QVNfU0VDUkVUX1g=", InQuery, query, "YSBiLz9%2Bfv%2F%2B"},
		{"QVNfU0VDUkVUX1g%3D&", InQuery, query, "YSBiLz9%2Bfv%2F%2B&"},
		{b64("AS_SECRET_X:AS_SECRET_NO"), InHeader, nil, b64("a b/?~~\xff\xfe:AS_SECRET_NO")},
		{b64("AS_SECRET_NO") + " AS_SECRET_E", InHeader, nil, b64("AS_SECRET_NO") + " "},
		{b64("AS_SECRET_E") + "|", InHeader, nil, "|"},
		{b64("~~~AS_SECRET_E"), InHeader, nil, b64("~~~")},
		{base64.RawURLEncoding.EncodeToString([]byte("AS_SECRET_XX\xfb\xff\xffAS_SECRET_X!")), InHeader, nil,
			base64.RawURLEncoding.EncodeToString([]byte("AS_SECRET_XX\xfb\xff\xffa b/?~~\xff\xfe!"))},
		{base64.URLEncoding.EncodeToString([]byte("\xfb\xff\xffAS_SECRET_X")), InHeader, nil,
			base64.URLEncoding.EncodeToString([]byte("\xfb\xff\xffa b/?~~\xff\xfe"))},
		{"AS_SECRET_P " + b64("AS_SECRET_P"), InHeader, nil, "AS_SECRET_X " + b64("AS_SECRET_X")}, // once
	} {
		got, err := ExpandEncoded([]byte("> "), []byte(c.in), c.as, v, c.escape)
		if err != nil || string(got) != "> "+c.want {
			t.Errorf("%q became %q, %v, want %q", c.in, got, err, c.want)
		}
	}
}

func TestExpandEncodedErrors(t *testing.T) {
	stop := errors.New("stop")
	for _, in := range []string{"AS_SECRET_X", "AS%5FSECRET_X", b64("AS_SECRET_X")} {
		in := []byte("AS_SECRET_E " + in)
		got, err := ExpandEncoded(nil, in, InQuery, func(name string) ([]byte, error) {
			if name == "X" {
				return []byte("value"), stop
			}
			return []byte{}, nil
		}, nil)
		if string(got) != "" || err != stop {
			t.Errorf("%q: %q, %v", in, got, err)
		}
		refuse := func(b []byte) ([]byte, error) {
			if len(b) > 0 {
				return b, ErrNotAllowed
			}
			return nil, nil
		}
		got, err = ExpandEncoded(nil, in, InQuery, func(name string) ([]byte, error) {
			return []byte(strings.TrimPrefix("E"+name, "EE")), nil
		}, refuse)
		if string(got) != "" || err != ErrNotAllowed {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// The fragments that are looked for are what base64 makes of the prefix.
func TestPrefixes64(t *testing.T) {
	for before, want := range prefixes64 {
		for _, around := range []string{"\x00\x00\x00", "\xff\xff\xff", "AZ_"} {
			text := base64.RawURLEncoding.EncodeToString([]byte(around[:before] + Prefix + around))
			if !strings.Contains(text, want) {
				t.Errorf("%s is not in %s", want, text)
			}
		}
		next := base64.RawStdEncoding.EncodeToString([]byte("xyz"[:before] + Prefix))
		if i := strings.Index(next, want); i < 0 || len(next)-i-len(want) > 1 {
			t.Errorf("%s could be longer in %s", want, next)
		}
	}
}

var (
	token68 = regexp.MustCompile(`[-._~+/0-9A-Za-z]+`)
)

// naiveExpandEncoded goes over all ranges that could be a token, of a text that was
// read with net/url, and knows nothing of where they are written.
func naiveExpandEncoded(text string, as Encoding, v Values) string {
	out := ""
	expandPlain := func(s string) string {
		return string(naiveText([]byte(s), func(n, _ string) ([]byte, error) { return v(n) }))
	}
	done := 0
	for _, at := range token68.FindAllStringIndex(text, -1) {
		digits, rest := text[at[0]:at[1]], text[at[1]:]
		out += expandPlain(text[done:at[0]])
		done = at[1]
		padding := regexp.MustCompile(`^=*`).FindString(rest)
		if loc := token68.FindStringIndex(rest[len(padding):]); loc != nil && loc[0] == 0 {
			padding = ""
		}
		if as&Base64 == 0 || Find([]byte(digits)) != nil {
			out += expandPlain(digits)
			continue
		}
		was := digits
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding, base64.RawStdEncoding} {
			raw, err := enc.DecodeString(digits + padding)
			if err != nil || Find(raw) == nil {
				continue
			}
			is := string(naiveText(raw, func(n, _ string) ([]byte, error) { return v(n) }))
			if is != string(raw) {
				was = "<" + is + ">" // how it is encoded is the other fuzz test's
				done += len(padding)
			}
			break
		}
		out += was
	}
	return out + expandPlain(text[done:])
}

// Found and expanded is what a naive version finds that decodes first.
func FuzzEncoded(f *testing.F) {
	for _, s := range append(slices.Clone(texts), "Bearer QVNfU0VDUkVUX1g=", "a=QVNfU0VDUkVUX1g&b=%51VNfU0VDUkVUX1g%3D", "QVNfU0VDUkVUX1g==", "x.QVNfU0VDUkVUX1g",
		"QVNfU0VDUkVUX1gxAS_SECRET_Y", b64("id:AS_SECRET_A AS_SECRET_BB"), "%41S%5fSECRET%5FA", "AS_SECRET_A%5F2+QVNfU0VDUkVUX1g=") {
		for _, as := range []Encoding{InPath, InQuery, InHeader} {
			f.Add([]byte(s), uint8(as))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, set uint8) {
		as := Encoding(set) & InQuery
		as |= Plain
		v := func(name string) ([]byte, error) {
			if strings.HasPrefix(name, "X") {
				return nil, nil
			}
			return []byte("<" + name + ">"), nil
		}
		end := 0
		for _, e := range FindEncoded(in, as) {
			if e.Start < end || e.End <= e.Start || e.End > len(in) || e.Encoding&as == 0 || len(e.Names) == 0 {
				t.Fatalf("%q: %+v", in, e)
			}
			if !MayHold(string(in), as) {
				t.Fatalf("MayHold says no to %q, which holds %+v", in, e)
			}
			end = e.End
		}
		got, err := ExpandEncoded(nil, in, as, v, func(b []byte) ([]byte, error) {
			if raw := decodedAny(string(b)); bytes.Contains(raw, []byte("<")) {
				b = []byte("<" + string(raw) + ">")
			}
			if as&Percent != 0 {
				b = EscapeQuery(b)
			}
			return b, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		text, out := string(in), string(got)
		if as&Percent != 0 {
			text, out = unescapedLoosely(text), unescapedLoosely(out)
		}
		if want := naiveExpandEncoded(text, as, v); out != want {
			t.Errorf("%q (%b)\ngave %q\nwant %q", in, as, out, want)
		}
	})
}

// unescapedLoosely leaves as it is what url.QueryUnescape refuses.
func unescapedLoosely(s string) string {
	return regexp.MustCompile(`%[0-9A-Fa-f]{2}|\+`).ReplaceAllStringFunc(s, func(m string) string {
		out, err := url.QueryUnescape(m)
		if err != nil {
			panic(err)
		}
		return out
	})
}

// A placeholder is found however it is written, and the value comes out the same.
func FuzzEncodedRoundTrip(f *testing.F) {
	f.Add("KEY", "value \xff\xfe~", "Bearer ", uint8(0), uint64(5))
	f.Add("A2_", "", "", uint8(1), uint64(1<<63))
	f.Add("A", "=?+/", "", uint8(3), ^uint64(0))
	f.Fuzz(func(t *testing.T, name, value, before string, how uint8, escaped uint64) {
		if !Valid(name) || strings.Trim(before, " ,;:") != "" {
			return
		}
		encodings := []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding, base64.RawStdEncoding}
		written, as := For(name), InQuery
		var enc *base64.Encoding
		if n := int(how) % (len(encodings) + 1); n > 0 {
			enc = encodings[n-1]
			written = enc.EncodeToString([]byte(written))
		}
		var in []byte
		for i, c := range []byte(before + written) {
			if escaped>>(i%64)&1 != 0 {
				in = fmt.Appendf(in, "%%%02x", c)
			} else {
				in = append(in, c)
			}
		}
		got, err := ExpandEncoded(nil, in, as, func(n string) ([]byte, error) {
			if n != name {
				t.Errorf("%q: asked for %s", in, n)
			}
			return []byte(value), nil
		}, func(b []byte) ([]byte, error) { return EscapeQuery(b), nil })
		text, err2 := url.QueryUnescape(string(got))
		text, ok := strings.CutPrefix(text, before)
		if err != nil || err2 != nil || !ok {
			t.Fatalf("%q became %q: %v, %v", in, got, err, err2)
		}
		if enc != nil {
			raw := decodedAny(text)
			if raw == nil {
				t.Fatalf("%q became %q, which is not base64", in, text)
			}
			text = string(raw)
		}
		if text != value {
			t.Errorf("%q became %q, which means %q", in, got, text)
		}
	})
}

func decodedAny(s string) []byte {
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding, base64.RawStdEncoding} {
		if raw, err := enc.DecodeString(s); err == nil {
			return append([]byte{}, raw...)
		}
	}
	return nil
}

func BenchmarkFindEncoded(b *testing.B) {
	in := []byte("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U")
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		FindEncoded(in, InHeader)
	}
}

// What most texts of a request look like costs no second look.
func TestMayHold(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "Bearer AS_SECRET_A": true, "QVNfU0VDUkVUX0E=": true, "id:QVNfU0VDUkVU": false, "%41S_SECRET_A": true, "AS%5fSECRET%5fA": true,
		"a=%20b%2Fc%3D%22%7B&d=e%": false, "%zz%4": false, "Mozilla/5.0 (X11; Linux x86_64)": false, "AS_SECRE": false, "%51VNfU0VDUkVUX0E": true,
	} {
		if got := MayHold(text, InQuery); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if MayHold("AS%5fSECRET_A", InHeader) || MayHold("QVNfU0VDUkVUX0E=", InPath) {
		t.Error("an encoding that was not asked for")
	}
}
