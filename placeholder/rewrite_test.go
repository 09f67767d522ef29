package placeholder

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// texts has what each rewriter comes across, and is the corpus of all fuzz tests.
var texts = []string{
	"", "A", "AS_SECRET_", "AS_SECRET_A", "xAS_AS_SECRET_A AS_SECRET_BB", "AS_SECRET_XNO AS_SECRET_EMPTY.",
	"AS_SECRET_Ab AS_SECRET_" + strings.Repeat("N", 128) + " AS_SECRET_" + strings.Repeat("N", 129) + " AS_SECRET_A",
	`"AS_SECRET_A"`, `"AS_SECRET_A`, `{"AS_SECRET_A":"AS_SECRET_A"}`, `["AS_SECRET_A","AS_SECRET_BB" ,"xAS_SECRET_A"]`,
	`{"messages":[{"role":"user","content":"AS_SECRET_A"},{"content":"say AS_SECRET_A"}],"k.k":"AS_SECRET_XNO"}`,
	`{"a\u0062\"\\":{"":["AS_SECRET_A",{},[],[[]],"AS_SECRET_EMPTY"]}}`, `{"n":[-0.5e+1,0,12,1E3],"t":[true,false,null],"s":"AS_SECRET_A"}`,
	`{"a":1}` + "\n" + `{"a":"AS_SECRET_A"}"AS_SECRET_A"12"AS_SECRET_A"`, `["AS_SECRET_A",]["AS_SECRET_A"]`, `[01,"AS_SECRET_A"]`,
	`{"a" "AS_SECRET_A"}`, `{"a":"AS_SECRET_A","AS_SECRET_A"`, "\"\t\"\"AS_SECRET_A\"", `"\x" "AS_SECRET_A"`, `"AS\u005fSECRET_A"`,
	`[1.,"AS_SECRET_A"]`, `[tru"AS_SECRET_A"]`, `]"AS_SECRET_A"`, "\"\xff\":\"AS_SECRET_A\"", "{\"\xff\":\"AS_SECRET_A\"}", `[-"AS_SECRET_A"]`,
	"a=AS_SECRET_A", "AS_SECRET_A=AS_SECRET_A&b=AS_SECRET_BB&&=AS_SECRET_A&c", "a=AS%5FSECRET_A&a=AS_SECRET%5fA+&b=AS_SECRET_A%20",
	"a%=AS_SECRET_A&b%2=AS_SECRET_A&%zz=AS_SECRET_A&%41=AS_SECRET_A%4", "a;b=AS_SECRET_A&a=AS_SECRET_A;&a==AS_SECRET_A&a=AS_SECRET_A",
	`["\u0041\u0053\u005F\u0053ECRET\u005f\u0041","AS_SECRET_\u0041b","AS_SECRET_\u00e1","AS_SECRET_\u0141","\u41S_SECRET_A"]`,
	`["AS_SECRET_A\u","AS_SECRET_A"]`, `["AS_SECRET_A\`, `["AS_SECRET_A\n","\u0041S_SECRET_XNO","AS_SECRET_A\u0022","\"AS_SECRET_A"]`,
	"--b\r\n" + isA + "AS_SECRET_A\r\n--b\r\nA: b\r\n" + isA + "AS_SECRET_BB\r\n--b\r\n" + isFile + "AS_SECRET_A\r\n--b--\r\n",
	"--b\r\n" + isA + "xAS_SECRET_A\r\n--b\r\n" + isA + "AS_SECRET_XNO\r\n--b\r\n" + isA + "AS_SECRET_EMPTY\r\n--b--",
	"--b\r\n" + isA + "\r\n--b\r\n" + isA + "\r\n\r\n--b\r\n" + isA + "\r\n--b \r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b",
	"--b\r\n" + isFile + "--b\r\n" + isA + "AS_SECRET_A\r\n--b--", "--b\r\n" + isFile + "\n--b\n" + isA + "AS_SECRET_A\r\n--b--",
	"--b\r\n" + isFile + "\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--bc\r\n" + isA + "AS_SECRET_A\r\n--b--", "\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b--",
	"--b\r\n\r\nAS_SECRET_A\r\n--b\r\n" + isA + "AS_SECRET_A\r\n-\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b--",
	"--b\r\nno header\r\n\r\nAS_SECRET_A\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b--", "--b\r\n" + isA + "AS_SECRET_A\r\n--b-x\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b--",
	"AS_SECRET_a_AS_SECRET_A", `{"a":1,}"AS_SECRET_A"`, `["\u123","AS_SECRET_A"]`, "a%=41S_SECRET_A", "a=AS%zz" + strings.Repeat("S", 500),
	"a+b=AS_SECRET_XNO&a+b=AS_SECRET_EMPTY&a=AS_SECRET_A=", "a=AS_SECRET_ab&AS_SECRET_A",
}

// The heads of a field and of a file.
const (
	isA    = "Content-Disposition: form-data; name=\"a\"\r\n\r\n"
	isFile = "Content-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n"
)

// value is what the placeholder of name stands for in these tests. It has what
// every place must escape, and a placeholder, which must stay.
func value(name string) []byte {
	switch {
	case strings.HasPrefix(name, "X"):
		return nil
	case name == "EMPTY":
		return []byte{}
	}
	return []byte("<" + name + "> \"\\\x00\n\x1f\u2028é&=+%;AS_SECRET_A")
}

// inChunks feeds in to rw, cut by the bytes of cuts in turn.
func inChunks(t *testing.T, rw stream.Rewriter, in, cuts []byte) []byte {
	t.Helper()
	var out []byte
	var err error
	for i := 0; len(in) > 0; i++ {
		n := len(in)
		if len(cuts) > 0 {
			n = min(n, int(cuts[i%len(cuts)])+i/len(cuts)) // grows, or 0 would go on for ever
		}
		chunk := bytes.Clone(in[:n])
		if out, err = rw.Feed(out, chunk); err != nil {
			t.Fatal(err)
		}
		clear(chunk) // must not have been kept
		in = in[n:]
	}
	if out, err = rw.Flush(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// rewriters are the kinds that there are, with the naive version of each.
var rewriters = map[string]struct {
	New   func(FieldValues) stream.Rewriter
	naive func([]byte, FieldValues) []byte
}{
	"text": {func(v FieldValues) stream.Rewriter {
		return &expander{values: func(name string) ([]byte, error) { return v(name, "") }}
	}, naiveText},
	"json": {NewJSON, naiveJSON},
	"form": {NewForm, naiveForm},
	"any": {func(v FieldValues) stream.Rewriter {
		return NewAny(func(name string) ([]byte, error) { return v(name, "") })
	}, naiveText},
	"multipart": {func(v FieldValues) stream.Rewriter { return NewMultipart("b", v) }, naiveMultipart},
}

func fieldless(name, _ string) ([]byte, error) { return value(name), nil }

func TestReaders(t *testing.T) {
	for kind, c := range rewriters {
		for _, text := range texts {
			in := []byte(strings.Repeat(text+"\n", 3) + text)
			for name, cut := range map[string]func(io.Reader) io.Reader{
				"whole": func(r io.Reader) io.Reader { return r },
				"one":   iotest.OneByteReader,
				"half":  iotest.HalfReader,
				"data":  iotest.DataErrReader,
			} {
				r := stream.NewReader(cut(bytes.NewReader(in)), c.New(fieldless))
				if err := iotest.TestReader(r, c.naive(in, fieldless)); err != nil {
					t.Errorf("%s, %s, %q: %v", kind, name, in, err)
				}
			}
		}
	}
}

// Nothing is kept waiting that can no longer become a placeholder.
func TestHoldback(t *testing.T) {
	most := 6 * (len(Prefix) + MaxName) // all of it written as \u0041
	for kind, c := range rewriters {
		for _, text := range texts {
			rw := c.New(func(string, string) ([]byte, error) { return nil, nil })
			var out []byte
			for i := range text {
				out, _ = rw.Feed(out, []byte(text[i:i+1]))
				held := text[len(out) : i+1]
				if len(held) > most || !possible(kind, held) {
					t.Fatalf("%s: held %q", kind, held)
				}
			}
		}
	}
}

func possible(kind, held string) bool {
	if i := strings.IndexAny(held, `%\`); (kind == "form" || kind == "json") && i >= 0 {
		held = held[:i] // the rest is for the fuzz test
	}
	if name, end, ok := strings.Cut(held, "\r"); ok && kind == "multipart" {
		return Valid(strings.TrimPrefix(name, Prefix)) && (strings.HasPrefix("\n--b\r\n", end) || strings.HasPrefix("\n--b--", end))
	}
	return strings.HasPrefix(Prefix, held) ||
		strings.HasPrefix(held, Prefix) && (held == Prefix || Valid(held[len(Prefix):]))
}

func TestErrorOfCallback(t *testing.T) {
	stop := errors.New("stop")
	inputs := map[string][2]string{
		"text":      {"a AS_SECRET_XNO b ", "AS_SECRET_A c AS_SECRET_A"},
		"json":      {`["AS_SECRET_XNO","`, `AS_SECRET_A","AS_SECRET_A"]`},
		"form":      {"a=AS_SECRET_XNO&b=", "AS_SECRET_A&c=AS_SECRET_A"},
		"any":       {"a AS_SECRET_XNO b ", "AS_SECRET_A c AS_SECRET_A"},
		"multipart": {"--b\r\n" + isA + "AS_SECRET_XNO\r\n--b\r\n" + isA, "AS_SECRET_A\r\n--b\r\n" + isA + "AS_SECRET_A\r\n--b--"},
	}
	for kind, in := range inputs {
		for _, read := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
			calls := 0
			rw := rewriters[kind].New(func(name, _ string) ([]byte, error) {
				if calls++; name == "A" {
					return []byte("value"), stop
				}
				return nil, nil
			})
			r := stream.NewReader(read(strings.NewReader(in[0]+in[1])), rw)
			got, err := io.ReadAll(r)
			if string(got) != in[0] || err != stop || calls != 2 {
				t.Errorf("%s: read %q, %v after %d calls", kind, got, err, calls)
			}
			for _, again := range []func() ([]byte, error){
				func() ([]byte, error) { return rw.Feed(nil, []byte(in[1])) },
				func() ([]byte, error) { return rw.Flush(nil) },
			} {
				if b, err := again(); len(b) != 0 || err != stop {
					t.Errorf("%s: %q, %v after the error", kind, b, err)
				}
			}
		}
	}
}

// A stream that breaks off inside a name must not expand what came of it.
func TestBrokenSource(t *testing.T) {
	broken := errors.New("broken")
	for kind, in := range map[string]string{"text": "x AS_SECRET_A", "json": `["AS_SECRET_A`, "form": "a=AS_SECRET_A",
		"multipart": "--b\r\n" + isA + "AS_SECRET_A"} {
		src := io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken))
		got, err := io.ReadAll(stream.NewReader(src, rewriters[kind].New(fieldless)))
		if want := strings.TrimSuffix(in, "AS_SECRET_A"); string(got) != want || err != broken {
			t.Errorf("%s: read %q, %v, want %q", kind, got, err, want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	in := bytes.Repeat([]byte(`{"a\n":[1,-2.5e3,true,{"b":"some AS_SECRET_A text \"AS_SECRE"}],"c":""}`+"\n"), 100)
	for kind, c := range rewriters {
		rw := c.New(func(string, string) ([]byte, error) { return nil, nil })
		dst, _ := rw.Feed(nil, in)
		n := testing.AllocsPerRun(50, func() { dst, _ = rw.Feed(dst[:0], in) })
		if kind == "text" || kind == "any" {
			n -= 100 // one name for each placeholder
		}
		if n > 0 {
			t.Errorf("%s: %v allocations", kind, n)
		}
	}
}
