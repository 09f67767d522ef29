package resolve

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
)

// sample is a value whose every four bytes are unlike anything that a printer writes by itself.
const sample = "Zq7!Vx9?Kw3#Jy5~\x01\x82\xfe"

// Shapes in which a Value may stand; the fields without a capital are where printers cannot call our methods.
type (
	exported   struct{ V Value }
	unexported struct{ v Value }
	embedded   struct{ Value }
	hiddenIn   struct {
		name string
		ptr  *Value
		list []Value
		dict map[string]Value
		face any
		deep []map[int]*unexported
	}
	exportedIn struct {
		Ptr  *Value
		List []Value
		Pair [2]Value
		Dict map[string]*Value
		Face any
		Deep []map[string]*exported
	}
)

// shapes returns v in every shape; callable tells where its methods are within a printer's reach. (fmt never calls them
// for %T, %p and, outside Errorf, %w: it prints the type, or the field, which is an address.)
func shapes(v Value) (list []any, callable []bool) {
	add := func(ok bool, shapes ...any) {
		for _, s := range shapes {
			list, callable = append(list, s), append(callable, ok)
		}
	}
	p := &v
	add(true, v, p, exported{v}, &exported{v}, embedded{v}, []Value{v}, [1]Value{v}, map[string]Value{"k": v}, []any{v},
		exportedIn{Ptr: p, List: []Value{v}, Pair: [2]Value{v, v}, Dict: map[string]*Value{"k": p}, Face: v, Deep: []map[string]*exported{{"k": {v}}}},
		struct{ Any any }{v}, fmt.Stringer(v))
	add(false, struct{ any }{v}, slog.Any("k", v), &p, unexported{v}, &unexported{v}, []*Value{p}, []unexported{{v}}, []**Value{&p}, make(chan Value),
		hiddenIn{"n", p, []Value{v}, map[string]Value{"k": v}, v, []map[int]*unexported{{1: {v}}}}, v.reveal, exported.String2,
		struct{ f func() []byte }{v.reveal}, errors.Join(fmt.Errorf("oops: %v", v)), map[string]any{"k": unexported{v}})
	return list, callable
}

// String2 only makes a method value of a type that holds a Value.
func (exported) String2() string { return "" }

// traces are ways to write sample, in part already.
func traces(verbs ...string) []string {
	var found []string
	for at := 0; at+4 <= len(sample); at += 2 {
		part := []byte(sample[at : at+4])
		found = append(found, string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)))
		for _, format := range append(verbs, "%d", "%v", "%#v", "%x", "% x", "%# x", "%o", "%b", "%q", "%U") {
			text := strings.Trim(fmt.Sprintf(format, part), "[]{}() \"`")
			found = append(found, strings.TrimSuffix(strings.TrimPrefix(text, "byte{"), "}"))
		}
	}
	for at := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(sample[at:]))
		found = append(found, text[:8], text[4:12], base64.RawURLEncoding.EncodeToString([]byte(sample[at:]))[:8])
	}
	return found
}

func find(text string, traces []string) (trace string) {
	for _, trace := range traces {
		if len(trace) >= 4 && strings.Contains(text, trace) {
			return trace
		}
	}
	return ""
}

func mustNotShow(t *testing.T, where, text string, traces []string) {
	t.Helper()
	if trace := find(text, traces); trace != "" {
		t.Fatalf("%s shows %q: %q", where, trace, text)
	}
}

// The search itself must find a value that is printed, or it proves nothing.
func TestTracesFindWhatIsPrinted(t *testing.T) {
	b := []byte(sample)
	for _, verb := range []string{"%s", "%v", "%+v", "%d", "%x", "%X", "% x", "%#x", "%#v", "%q", "%o", "%08b", "%U", "%c"} {
		for _, shape := range []any{b, struct{ b []byte }{b}, struct{ s string }{sample}} {
			if text := fmt.Sprintf(verb, shape); find(text, traces(verb)) == "" && !strings.Contains(text, "%!") {
				t.Errorf("nothing found in %s: %q", verb, text)
			}
		}
	}
	for _, text := range []string{base64.StdEncoding.EncodeToString(b), base64.URLEncoding.EncodeToString(append([]byte("x"), b...)), hex.EncodeToString(b)} {
		if find(text, traces()) == "" {
			t.Errorf("nothing found in %q", text)
		}
	}
}

func TestA4PrintingShowsNothing(t *testing.T) {
	list, callable := shapes(New([]byte(sample)))
	for verb := 'A'; verb <= 'z'; verb++ {
		if verb > 'Z' && verb < 'a' {
			continue
		}
		for flags := range 1 << 5 {
			for _, size := range []string{"", "40.30"} {
				format := "%" + flagText(flags) + size + string(verb)
				look := traces(format)
				if verb == 'T' || verb == 'p' {
					look = traces() // those two show a type and an address, of []byte too
				}
				for i, shape := range list {
					text := fmt.Sprintf(format, shape)
					mustNotShow(t, fmt.Sprintf("%s of %T", format, shape), text, look)
					if callable[i] && !strings.ContainsRune("Tpw", verb) && !strings.Contains(text, masked) {
						t.Fatalf("%s of %T is %q, without %q", format, shape, text, masked)
					}
				}
			}
		}
	}
}

func flagText(flags int) (text string) {
	for i, flag := range "+-# 0" {
		if flags&(1<<i) != 0 {
			text += string(flag)
		}
	}
	return text
}

func TestA4PrintedTextIsTheSameForAll(t *testing.T) {
	for _, v := range []Value{New([]byte(sample)), New(nil), {}} {
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%#v", &v), fmt.Sprintf("%d", v), v.String(), v.GoString(), v.LogValue().String(), fmt.Sprintln(v)[:len(masked)]} {
			if text != masked {
				t.Errorf("printed %q, want %q", text, masked)
			}
		}
	}
}

func TestA4EncodersShowNothing(t *testing.T) {
	look := traces()
	list, _ := shapes(New([]byte(sample)))
	for _, shape := range list {
		for name, encode := range encoders() {
			text, err := encode(shape)
			mustNotShow(t, fmt.Sprintf("%s of %T", name, shape), text, look)
			if err != nil {
				mustNotShow(t, fmt.Sprintf("the error of %s of %T", name, shape), err.Error(), look)
			}
		}
	}
}

// encoders fail for some shapes, as for the unexported ones; whatever they wrote until then counts too.
func encoders() map[string]func(any) (string, error) {
	to := func(write func(*bytes.Buffer, any) error) func(any) (string, error) {
		return func(shape any) (string, error) {
			var b bytes.Buffer
			err := write(&b, shape)
			return b.String(), err
		}
	}
	return map[string]func(any) (string, error){
		"json": to(func(b *bytes.Buffer, s any) error { return json.NewEncoder(b).Encode(s) }),
		"gob":  to(func(b *bytes.Buffer, s any) error { return gob.NewEncoder(b).Encode(s) }),
		"xml":  to(func(b *bytes.Buffer, s any) error { return xml.NewEncoder(b).Encode(s) }),
		"slog text": to(func(b *bytes.Buffer, s any) error {
			slog.New(slog.NewTextHandler(b, nil)).With("w", s).WithGroup("g").Info("m", "k", s, slog.Group("g", "k", s))
			return nil
		}),
		"slog json": to(func(b *bytes.Buffer, s any) error {
			slog.New(slog.NewJSONHandler(b, nil)).With("w", s).WithGroup("g").Info("m", "k", s, slog.Group("g", "k", s))
			return nil
		}),
		"log": to(func(b *bytes.Buffer, s any) error { log.New(b, "", 0).Print(s, "and", s); return nil }),
		"text template": to(func(b *bytes.Buffer, s any) error {
			return template.Must(template.New("").Parse(`{{.}} {{printf "%q %x" . .}} {{js .}} {{urlquery .}}`)).Execute(b, s)
		}),
		"html template": to(func(b *bytes.Buffer, s any) error {
			return htmltemplate.Must(htmltemplate.New("").Parse(`<a href="{{.}}">{{.}}</a><script>x = {{.}}</script>`)).Execute(b, s)
		}),
		"cmp": func(s any) (string, error) { // goes into unexported fields by unsafe
			everything := cmp.Exporter(func(reflect.Type) bool { return true })
			return cmp.Diff(s, any(1), everything), nil
		},
	}
}

func TestEncodersWriteTheFixedText(t *testing.T) {
	v := New([]byte(sample))
	type attr struct {
		XMLName xml.Name `xml:"x"`
		A       Value    `xml:"a,attr"`
		E       Value    `xml:"e"`
	}
	texts := map[string]any{
		`{"V":"[secret value]"}`:                            exported{v},
		`["[secret value]","[secret value]",null]`:          []any{v, &v, (*Value)(nil)},
		`{"Ptr":null,"List":["[secret value]"],"Pair":["[s`: exportedIn{List: []Value{v}},
		`"[secret value]"`:                                  embedded{v},
		`{"a":"[secret value]","b":{"V":"[secret value]"}}`: map[string]any{"b": exported{v}, "a": v},
	}
	for want, shape := range texts {
		if got, err := json.Marshal(shape); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("json: %s, %v; want %s", got, err, want)
		}
	}
	want := `<x a="[secret value]"><e>[secret value]</e></x>`
	if got, err := xml.Marshal(attr{A: v, E: v}); err != nil || string(got) != want {
		t.Errorf("xml: %s, %v; want %s", got, err, want)
	}
	for _, marshal := range []func() ([]byte, error){v.MarshalText, v.MarshalBinary, v.GobEncode} {
		if got, err := marshal(); err != nil || string(got) != masked {
			t.Errorf("%q, %v", got, err)
		}
	}
	if got, err := v.MarshalYAML(); err != nil || got != masked {
		t.Errorf("yaml: %v, %v", got, err)
	}
}

// A panic prints through neither fmt nor a caller's logger; runtime.printpanicval asks error and Stringer only.
var _ fmt.Stringer = Value{}

func TestDecodersRefuse(t *testing.T) {
	type attr struct {
		A Value `xml:"a,attr"`
	}
	var encoded bytes.Buffer
	if err := gob.NewEncoder(&encoded).Encode(exported{New([]byte(sample))}); err != nil {
		t.Fatal(err)
	}
	into := exported{New([]byte("old"))}
	asAttr := attr{New([]byte("old"))}
	cases := map[string]error{
		"json":       json.Unmarshal([]byte(`{"V":"[secret value]"}`), &into),
		"json null":  json.Unmarshal([]byte(`{"V":null}`), &into),
		"json list":  json.Unmarshal([]byte(`["x"]`), &[]Value{}),
		"json key":   json.Unmarshal([]byte(`{"k":"x"}`), &map[string]Value{}),
		"json ptr":   json.Unmarshal([]byte(`"x"`), new(*Value)),
		"xml":        xml.Unmarshal([]byte(`<e><V>x</V></e>`), &into),
		"xml attr":   xml.Unmarshal([]byte(`<e a="x"/>`), &asAttr),
		"gob":        gob.NewDecoder(&encoded).Decode(&into),
		"text":       encoding.TextUnmarshaler(&into.V).UnmarshalText([]byte("x")),
		"binary":     encoding.BinaryUnmarshaler(&into.V).UnmarshalBinary([]byte("x")),
		"yaml":       into.V.UnmarshalYAML(func(any) error { return nil }),
		"fmt.Sscan":  second(fmt.Sscan("x", &into.V)),
		"fmt.Sscanf": second(fmt.Sscanf("x", "%v", &into.V)),
	}
	for name, err := range cases {
		if err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
	if string(into.V.Reveal()) != "old" || string(asAttr.A.Reveal()) != "old" {
		t.Error("a refused decoding changed the value")
	}
}

func second(_ int, err error) error { return err }

func TestValueKeepsItsOwnBytes(t *testing.T) {
	given := []byte(sample)
	v := New(given)
	copied := v
	clear(given)
	if got := string(v.Reveal()); got != sample {
		t.Errorf("holds %q after its source changed", got)
	}
	_ = append(v.Reveal(), "more"...)
	if got := v.Reveal(); string(got) != sample || cap(got) != len(got) {
		t.Errorf("appending to what Reveal returned can write into the value")
	}
	if string(copied.Reveal()) != sample {
		t.Error("a copy holds something else")
	}
}

func TestZeroValue(t *testing.T) {
	var zero Value
	if !zero.IsZero() || zero.Reveal() != nil {
		t.Errorf("the zero Value: %v, %q", zero.IsZero(), zero.Reveal())
	}
	for _, b := range [][]byte{nil, {}, []byte("x")} {
		if v := New(b); v.IsZero() || v.Reveal() == nil || string(v.Reveal()) != string(b) {
			t.Errorf("New(%q): %v, %q", b, v.IsZero(), v.Reveal())
		}
	}
}

func TestFits(t *testing.T) {
	for size, ok := range map[int]bool{0: false, 1: true, MaxValue: true, MaxValue + 1: false} {
		err := New(bytes.Repeat([]byte("x"), size)).fits()
		var wrong *SizeError
		if ok != (err == nil) || !ok && (!errors.As(err, &wrong) || wrong.Size != size) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if (Value{}).fits() == nil {
		t.Error("the zero Value fits")
	}
}
