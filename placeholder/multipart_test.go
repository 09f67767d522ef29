package placeholder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var lineB = regexp.MustCompile(`(?:^|[\r\n])--b`)

// naiveMultipart splits a body with the boundary b.
func naiveMultipart(b []byte, v FieldValues) []byte {
	segments := strings.Split("\r\n"+string(b), "\r\n--b")
	if segments[0] != "" {
		return b
	}
	for i := 1; i+1 < len(segments); i++ {
		rest, ok := strings.CutPrefix(segments[i], "\r\n")
		content, headless := strings.CutPrefix(rest, "\r\n")
		head := ""
		if ok && !headless {
			head, content, ok = strings.Cut(rest, "\r\n\r\n")
			head += "\r\n"
		}
		field, is, understood := partField(head, "--b")
		next := segments[i+1]
		if next == "" && i+2 < len(segments) {
			next = "\r\n" // ends one delimiter and begins another
		}
		if !ok || !understood || len(head)+2 > maxHead || lineB.MatchString(content) || !strings.HasPrefix(next, "\r\n") && !strings.HasPrefix(next, "--") {
			break
		}
		if name, ok := strings.CutPrefix(content, Prefix); ok && is && Valid(name) {
			if text, _ := v(name, field); text != nil {
				segments[i] = strings.TrimSuffix(segments[i], content) + string(text)
			}
		}
	}
	return []byte(strings.Join(segments, "\r\n--b")[2:])
}

func FuzzMultipart(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s), []byte{1})
		f.Add([]byte(s), []byte{0, 3, 12})
	}
	f.Fuzz(checkMultipart)
}

// FuzzMultipartPieces comes sooner to what nearly is a body.
func FuzzMultipartPieces(f *testing.F) {
	pieces := []string{
		"\r\n", "\n", "\r", "--b", "--", "-", "b", "AS_SECRET_A", "AS_SECRET_EMPTY", isA, isFile, "x", ": ", "A: b", " ",
		"--b\r\n" + isA, "\r\n--b\r\n" + isA, "\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b\r\n", "\r\n--b--", "Content-Transfer-Encoding: base64", "_", "\x00",
	}
	f.Add([]byte{15, 7, 16, 8, 17, 13, 0, 0, 18}, []byte{5})
	f.Add([]byte{3, 0, 9, 11, 1, 15, 7, 18}, []byte{1})
	f.Fuzz(func(t *testing.T, picks, cuts []byte) {
		var in []byte
		for _, p := range picks {
			in = append(in, pieces[int(p)%len(pieces)]...)
		}
		checkMultipart(t, in, cuts)
	})
}

func checkMultipart(t *testing.T, in, cuts []byte) {
	var want, got []use
	text := naiveMultipart(in, collect(&want))
	out := inChunks(t, NewMultipart("b", collect(&got)), in, cuts)
	if !bytes.Equal(out, text) {
		t.Errorf("%q\ngave %q\nwant %q", in, out, text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q: asked for %q, want %q", in, got, want)
	}
	samePartsButFor(t, in, out, got)
}

type part struct {
	head    textproto.MIMEHeader
	field   string
	file    bool
	content string
}

// partsOf is what mime/multipart finds.
func partsOf(b []byte) (parts []part, err error) {
	for r := multipart.NewReader(bytes.NewReader(b), "b"); ; {
		p, err := r.NextRawPart()
		if err != nil {
			return parts, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return parts, err
		}
		parts = append(parts, part{p.Header, p.FormName(), p.FileName() != "", string(content)})
	}
}

// samePartsButFor checks that mime/multipart finds the same parts in what a body
// became, but for the fields that were asked for.
func samePartsButFor(t *testing.T, in, out []byte, uses []use) {
	t.Helper()
	want, err1 := partsOf(in)
	got, err2 := partsOf(out)
	uses = slices.DeleteFunc(uses, func(u use) bool { return value(u.name) == nil })
	for i, p := range want {
		if i == len(got) || got[i].content == p.content || len(uses) == 0 {
			continue
		}
		if p.field == uses[0].field && !p.file && p.content == For(uses[0].name) {
			want[i].content = string(value(uses[0].name))
		}
		uses = uses[1:]
	}
	if len(uses) > 0 || !reflect.DeepEqual(got, want) || fmt.Sprint(err1) != fmt.Sprint(err2) {
		t.Errorf("%q became %q:\n%+v, %v\n%+v, %v\nnot found: %q", in, out, want, err1, got, err2, uses)
	}
}

// What mime/multipart writes is understood, whatever the names and the boundary.
func FuzzMultipartWriter(f *testing.F) {
	f.Add("token", "AS_SECRET_A", "----WebKitFormBoundary7MA4YWxkTrZu0gW", []byte{5})
	f.Add("é x[]", "AS_SECRET_A\r\n", "b'()+_,-./:=? b", []byte{1})
	f.Add(strings.Repeat("n", maxField+1), "", strings.Repeat("b", 70), []byte{0, 9})
	f.Add(`"q"`, "AS_SECRET_A", "--", []byte{3})
	f.Add("a", "x", "b ", []byte{3})
	f.Fuzz(func(t *testing.T, field, content, boundary string, cuts []byte) {
		if len(field) > 2*maxField || strings.ContainsFunc(field, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return // a head has a bound, and mime/multipart escapes line breaks
		}
		var in, want bytes.Buffer
		w := multipart.NewWriter(&in)
		if err := w.SetBoundary(boundary); (err == nil) != validBoundary(boundary) {
			t.Fatalf("the boundary %q: %v", boundary, err)
		} else if err != nil {
			return
		}
		expanding := multipart.NewWriter(&want)
		expanding.SetBoundary(boundary)
		quoted := strings.ContainsAny(field, "\"\\;=")
		name := field
		if len(name) > maxField {
			name = tooFar
		}
		write := func(name, was, is string) {
			if err := errors.Join(w.WriteField(name, was), expanding.WriteField(name, is)); err != nil {
				t.Fatal(err)
			}
		}
		var uses []use
		if hasLine([]byte(content), []byte("--"+boundary)) {
			return
		}
		write("text", content+" ", content+" ")
		write("first", "AS_SECRET_A", "<A>")
		uses = append(uses, use{"A", "first"})
		if quoted {
			write(field, "AS_SECRET_A", "AS_SECRET_A")
		} else {
			write(field, "AS_SECRET_A", "<A>")
			uses = append(uses, use{"A", name})
		}
		for _, m := range []*multipart.Writer{w, expanding} {
			file, err := m.CreateFormFile("file", "a.txt")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(file, "AS_SECRET_A")
			m.Close()
		}
		var got []use
		out := inChunks(t, NewMultipart(boundary, func(name, field string) ([]byte, error) {
			got = append(got, use{name, field})
			return []byte("<" + name + ">"), nil
		}), in.Bytes(), cuts)
		if string(out) != want.String() || !slices.Equal(got, uses) {
			t.Errorf("%q\ngave %q\nwant %q\nasked for %q, want %q", in.Bytes(), out, want.Bytes(), got, uses)
		}
	})
}

func TestMultipart(t *testing.T) {
	const ph = "AS_SECRET_A"
	for name, c := range map[string]struct {
		in     string // with \n for CRLF
		fields []string
	}{
		"curl": {"--b\nContent-Disposition: form-data; name=\"token\"\n\n" + ph + "\n--b\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\n" +
			"Content-Type: text/plain\n\n" + ph + "\n--b--\n", []string{"token"}},
		"undici, with a type": {"--b\nContent-Disposition: form-data; name=\"token\"\nContent-Type: text/plain;charset=UTF-8\n\n" + ph + "\n--b--\n", []string{"token"}},
		".NET":                {"--b\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=token\n\n" + ph + "\n--b--\n", []string{"token"}},
		"any case":            {"--b\ncontent-disposition:FORM-DATA;NAME=\"t\"\nCONTENT-TRANSFER-ENCODING: 8Bit\n\n" + ph + "\n--b--", []string{"t"}},
		"browser's quotes":    {"--b\nContent-Disposition: form-data; name=\"a%22b\"\n\n" + ph + "\n--b--", []string{"a%22b"}},
		"epilogue":            {"--b\n" + isA + ph + "\n--b--\n--b\n" + isA + ph + "\n--b--", []string{"a"}},

		"file":                   {"--b\nContent-Disposition: form-data; name=\"t\"; filename=\"\"\n\n" + ph + "\n--b--", nil},
		"file in RFC 5987":       {"--b\nContent-Disposition: form-data; name=\"t\"; filename*=UTF-8''x\n\n" + ph + "\n--b--", nil},
		"name in RFC 5987":       {"--b\nContent-Disposition: form-data; name*=UTF-8''t\n\n" + ph + "\n--b--", nil},
		"two names":              {"--b\nContent-Disposition: form-data; name=\"t\"; name=\"u\"\n\n" + ph + "\n--b--", nil},
		"escaped quote":          {"--b\nContent-Disposition: form-data; name=\"t\\\"\"\n\n" + ph + "\n--b--", nil},
		"a name in a name":       {"--b\nContent-Disposition: form-data; name=\"t; filename=x\"\n\n" + ph + "\n--b--", nil},
		"two dispositions":       {"--b\nContent-Disposition: form-data; name=\"t\"\nContent-Disposition: form-data; name=\"t\"\n\n" + ph + "\n--b--", nil},
		"attachment":             {"--b\nContent-Disposition: attachment; name=\"t\"\n\n" + ph + "\n--b--", nil},
		"no disposition":         {"--b\nContent-Type: text/plain\n\n" + ph + "\n--b--", nil},
		"encoded":                {"--b\n" + isA[:len(isA)-2] + "Content-Transfer-Encoding: base64\n\n" + ph + "\n--b--", nil},
		"encoded and not":        {"--b\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n" + isA + ph + "\n--b--", nil},
		"folded":                 {"--b\nContent-Disposition: form-data;\n name=\"t\"\n\n" + ph + "\n--b--", nil},
		"space before the colon": {"--b\nContent-Disposition : form-data; name=\"t\"\n\n" + ph + "\n--b--", nil},
		"preamble":               {"hello\n--b\n" + isA + ph + "\n--b--", nil},
		"empty line first":       {"\n--b\n" + isA + ph + "\n--b--", nil},
		"padding":                {"--b \n" + isA + ph + "\n--b--", nil},
		"not whole":              {"--b\n" + isA + ph + " \n--b\n" + isA + "\n" + ph + "\n--b\n" + isA + ph + "\n\n--b--", nil},
		"no end":                 {"--b\n" + isA + ph + "\n--b", nil},
		"boundary goes on":       {"--b\n" + isA + ph + "\n--bb--", nil},
		"delimiter first":        {"--b\n" + isFile + "--b\n" + isA + ph + "\n--b--", nil},
		"delimiter in a head":    {"--b\nA: b\n--b\n" + isA + ph + "\n--b--", nil},
		"delimiter as a field":   {"--b\n--b: c\n\nx\n--b\n" + isA + ph + "\n--b--", nil},
		"long head":              {"--b\nA: " + strings.Repeat("b", maxHead) + "\n" + isA + ph + "\n--b--", nil},
	} {
		in := strings.ReplaceAll(strings.ReplaceAll(c.in, "\r\n", "\n"), "\n", "\r\n")
		want := in
		for range c.fields {
			want = strings.Replace(want, ph, "value", 1)
		}
		var fields []string
		out := inChunks(t, NewMultipart("b", func(_, field string) ([]byte, error) {
			fields = append(fields, field)
			return []byte("value"), nil
		}), []byte(in), []byte{7})
		if string(out) != want || !slices.Equal(fields, c.fields) {
			t.Errorf("%s: %q\ngave %q, asked for %q", name, in, out, fields)
		}
	}
}

// A delimiter after another line break than CRLF is one to some servers.
func TestMultipartLineBreaks(t *testing.T) {
	const rest = "--b\r\n" + isA + "AS_SECRET_A\r\n--b--"
	for _, in := range []string{
		strings.ReplaceAll("--b\r\n"+isA+"AS_SECRET_A\r\n--b--", "\r\n", "\n"), "--b\n" + isA + "AS_SECRET_A\r\n--b--",
		"--b\r\n" + isFile + "x\n" + rest, "--b\r\n" + isFile + "x\r" + rest, "--b\r\n" + isFile + "\n" + rest,
		"--b\r\n" + isFile + "--b\r\n\r\nx\r\n" + rest,
		"--b\r\n" + isFile + "\n--b\nContent-Disposition: form-data; name=\"t\"; filename=\"x\"\n\r\n" + rest,
		"--b\r\nA: b\n\nx\r\n" + rest, "--b\r\nA: b\rB: c\r\n\r\nx\r\n" + rest,
	} {
		if out := inChunks(t, NewMultipart("b", fieldless), []byte(in), nil); string(out) != in {
			t.Errorf("%q became %q", in, out)
		}
	}
	in := "--b\r\n" + isFile + "x\n-\r--\n\r\r\n--\r\n" + rest // no delimiters
	want := strings.Replace(in, "AS_SECRET_A", string(value("A")), 1)
	if out := inChunks(t, NewMultipart("b", fieldless), []byte(in), nil); string(out) != want {
		t.Errorf("%q became %q", in, out)
	}
}

func TestMultipartValueWithDelimiter(t *testing.T) {
	const in = "--BEGIN\r\n" + isA + "AS_SECRET_KEY\r\n--BEGIN--\r\n"
	for v, allowed := range map[string]bool{
		"--BEGIN KEY": false, "x\r\n--BEGIN": false, "x\n--BEGIN--": false, "x\r--BEGIN": false,
		"x--BEGIN": true, "--BEGI": true, "x\r\n---BEGIN": true, "": true, "\r\n--BEGI": true, "\xff\x00\r\n": true, "AS_SECRET_KEY": true,
	} {
		out, err := NewMultipart("BEGIN", func(string, string) ([]byte, error) { return []byte(v), nil }).Feed(nil, []byte(in))
		switch {
		case allowed && (err != nil || string(out) != strings.Replace(in, "AS_SECRET_KEY", v, 1)):
			t.Errorf("%q: %q, %v", v, out, err)
		case !allowed && (!errors.Is(err, ErrNotAllowed) || string(out) != "--BEGIN\r\n"+isA):
			t.Errorf("%q: %q, %v", v, out, err)
		case !allowed && (!strings.Contains(err.Error(), "KEY") || strings.Contains(err.Error(), v)):
			t.Errorf("%v must name the key and nothing of the value", err)
		}
	}
}

func TestMultipartBoundary(t *testing.T) {
	for boundary, valid := range map[string]bool{
		"b": true, "----WebKitFormBoundary7MA4YWxkTrZu0gW": true, "a b": true, strings.Repeat("b", 70): true,
		"": false, "b ": false, " ": false, "b\r\n": false, "b\n": false, "é": false, `"b"`: false, "b;": false, strings.Repeat("b", 71): false,
	} {
		in := "--" + boundary + "\r\n" + isA + "AS_SECRET_A\r\n--" + boundary + "--\r\n"
		out := inChunks(t, NewMultipart(boundary, fieldless), []byte(in), nil)
		if changed := string(out) != in; changed != valid {
			t.Errorf("%q: %q", boundary, out)
		}
	}
}

// Memory stays bounded, whatever comes.
func TestMultipartMemory(t *testing.T) {
	for _, chunk := range []string{"A: b\r\n", isA, "x", "\r\n", "\r\n--b\r\n" + isA, "\r\n--b\r\n" + isA + strings.Repeat("A", 50)} {
		m := NewMultipart("b", fieldless).(*multipartRewriter)
		m.Feed(nil, []byte("--b\r\n"+isA))
		for range (1 << 20) / len(chunk) {
			if _, err := m.Feed(nil, []byte(chunk)); err != nil {
				t.Fatal(err)
			}
		}
		if cap(m.head) > 2*maxHead || cap(m.held) > 1<<10 {
			t.Errorf("%q: %d, %d", chunk, cap(m.head), cap(m.held))
		}
	}
}

func BenchmarkMultipart(b *testing.B) {
	in := []byte("--b\r\n" + isFile + strings.Repeat("some text of a file, line after line\r\n", 900) + "\r\n--b--\r\n")
	b.SetBytes(int64(len(in)))
	dst := make([]byte, 0, len(in))
	for b.Loop() {
		NewMultipart("b", fieldless).Feed(dst, in)
	}
}
