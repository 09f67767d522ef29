package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	htmltemplate "html/template"
	"net/url"
	"strconv"
	"strings"
	"testing"
	texttemplate "text/template"
)

// What programs make of sample, written by hand after their documentation.
const sample = `k3/Y+z=Q"v'<w>&é\~*J`

func TestWrittenForms(t *testing.T) {
	s := setWith(sample)
	for _, c := range []struct{ by, form, text string }{
		{"nobody", "verbatim", `k3/Y+z=Q"v'<w>&é\~*J`},
		{"upper case", "verbatim", `K3/Y+Z=Q"V'<W>&É\~*J`},
		{"lower case", "verbatim", `k3/y+z=q"v'<w>&é\~*j`},
		{"bytes taken for Latin-1", "verbatim", `k3/Y+z=Q"v'<w>&Ã©\~*J`},
		{"base64", "base64", `azMvWSt6PVEidic8dz4mw6lcfipK`},
		{"hex", "hex", `6b332f592b7a3d512276273c773e26c3a95c7e2a4a`},
		{"HEX", "hex", `6B332F592B7A3D512276273C773E26C3A95C7E2A4A`},
		{"JavaScript encodeURIComponent", "percent", `k3%2FY%2Bz%3DQ%22v'%3Cw%3E%26%C3%A9%5C~*J`},
		{"JavaScript encodeURI", "percent", `k3/Y+z=Q%22v'%3Cw%3E&%C3%A9%5C~*J`},
		{"JavaScript URL.search", "percent", `k3/Y+z=Q%22v%27%3Cw%3E&%C3%A9\~*J`},
		{"JavaScript URLSearchParams", "percent", `k3%2FY%2Bz%3DQ%22v%27%3Cw%3E%26%C3%A9%5C%7E*J`},
		{"PHP rawurlencode", "percent", `k3%2FY%2Bz%3DQ%22v%27%3Cw%3E%26%C3%A9%5C~%2AJ`},
		{"PHP urlencode", "percent", `k3%2FY%2Bz%3DQ%22v%27%3Cw%3E%26%C3%A9%5C%7E%2AJ`},
		{"Python quote", "percent", `k3/Y%2Bz%3DQ%22v%27%3Cw%3E%26%C3%A9%5C~%2AJ`},
		{".NET HttpUtility.UrlEncode", "percent", `k3%2fY%2bz%3dQ%22v%27%3cw%3e%26%c3%a9%5c%7e*J`},
		{"every byte", "percent", `%6B%33%2F%59%2B%7A%3D%51%22%76%27%3C%77%3E%26%C3%A9%5C%7E%2A%4A`},
		{"twice", "percent", `k3%252FY%252Bz%253DQ%2522v%2527%253Cw%253E%2526%25C3%25A9%255C~%252AJ`},
		{"JSON.stringify", "json", `k3/Y+z=Q\"v'<w>&é\\~*J`},
		{"JSON.stringify twice", "json", `k3/Y+z=Q\\\"v'<w>&é\\\\~*J`},
		{"Python json.dumps", "json", `k3/Y+z=Q\"v'<w>&\u00e9\\~*J`},
		{"PHP json_encode", "json", `k3\/Y+z=Q\"v'<w>&\u00e9\\~*J`},
		{"Gson", "json", `k3/Y+z\u003dQ\"v\u0027\u003cw\u003e\u0026é\\~*J`},
		{"System.Text.Json", "json", `k3/Y\u002Bz=Q\u0022v\u0027\u003Cw\u003E\u0026\u00E9\\~*J`},
		{"Rails", "json", `k3/Y+z=Q\"v'\u003cw\u003e\u0026é\\~*J`},
		{"Django escapejs", "json", `k3/Y+z\u003DQ\u0022v\u0027\u003Cw\u003E\u0026é\u005C~*J`},
		{"Latin-1 and json.dumps", "json", `k3/Y+z=Q\"v'<w>&\u00c3\u00a9\\~*J`},
		{"Python repr", "json", `k3/Y+z=Q"v\'<w>&é\\~*J`},
		{"Python repr of bytes", "json", `k3/Y+z=Q"v\'<w>&\xc3\xa9\\~*J`},
		{"PHP htmlspecialchars", "html", `k3/Y+z=Q&quot;v&#039;&lt;w&gt;&amp;é\~*J`},
		{"Python html.escape", "html", `k3/Y+z=Q&quot;v&#x27;&lt;w&gt;&amp;é\~*J`},
		{"XML", "html", `k3/Y+z=Q&quot;v&apos;&lt;w&gt;&amp;é\~*J`},
		{"Handlebars", "html", `k3/Y+z&#x3D;Q&quot;v&#x27;&lt;w&gt;&amp;é\~*J`},
		{"mustache.js", "html", `k3&#x2F;Y+z&#x3D;Q&quot;v&#39;&lt;w&gt;&amp;é\~*J`},
		{".NET HtmlEncode", "html", `k3/Y+z=Q&quot;v&#39;&lt;w&gt;&amp;&#233;\~*J`},
		{"Python email.header in Latin-1", "quoted-printable", `k3/Y+z=3DQ=22v=27=3Cw=3E=26=E9=5C=7E*J`},
		{"Perl quotemeta of bytes", "json", "k3\\/Y\\+z\\=Q\\\"v\\'\\<w\\>\\&\\\xc3\\\xa9\\\\\\~\\*J"},
		{"decimal", "html", `&#107;&#51;&#47;&#89;&#43;&#122;&#61;&#81;&#34;&#118;&#39;&#60;&#119;&#62;&#38;&#233;&#92;&#126;&#42;&#74;`},
	} {
		found(t, s, c.by, c.form, c.text)
	}
}

// found looks for text, which is one echo, amid other text.
func found(t *testing.T, s *Set, by, form, text string) {
	t.Helper()
	got, n := through(t, s, "<<"+text+">>\n")
	want := "<<" + strings.Repeat("*", len(text)) + ">>\n"
	if len(text) >= len(Marker) {
		want = "<<" + Marker + strings.Repeat("*", len(text)-len(Marker)) + ">>\n"
	}
	if got != want {
		t.Errorf("%s: %s\n got %s\nwant %s", by, text, got, want)
	}
	if n[form] != 1 || n.Total() != 1 {
		t.Errorf("%s: %s counted as %v", by, text, n)
	}
}

func TestLibraryForms(t *testing.T) {
	quoted := func(s string) string { return s[1 : len(s)-1] }
	marshal := func(v any) string { b, _ := json.Marshal(v); return quoted(string(b)) }
	for _, v := range []string{sample, "p w`{}[]|^%#?;:@$,!()", "sk_live_0123456789abcdefABCDEF", "🔑 Schlüssel für alles", "1234abcd", "postgres://u:p@h:5432/db?sslmode=require"} {
		s := setWith(v)
		forms := map[string]string{
			"percent url.QueryEscape":        url.QueryEscape(v),
			"percent url.PathEscape":         url.PathEscape(v),
			"percent url.URL.EscapedPath":    strings.TrimPrefix((&url.URL{Path: "/" + v}).EscapedPath(), "/"),
			"percent of percent":             url.QueryEscape(url.QueryEscape(v)),
			"json encoding/json":             marshal(v),
			"json of json":                   marshal(marshal(v)),
			"json strconv.Quote":             quoted(strconv.Quote(v)),
			"json strconv.QuoteToASCII":      quoted(strconv.QuoteToASCII(v)),
			"json template.JSEscapeString":   texttemplate.JSEscapeString(v),
			"html html.EscapeString":         html.EscapeString(v),
			"html template.HTMLEscapeString": texttemplate.HTMLEscapeString(v),
			"html xml.EscapeText":            xmlText(v),
			"html html/template":             executed(t, "{{.}}", v),
			"json html/template":             strings.TrimSuffix(strings.TrimPrefix(executed(t, `<script>"{{.}}"</script>`, v), `<script>"`), `"</script>`),
			"hex encoding/hex":               hex.EncodeToString([]byte(v)),
			"hex %X":                         fmt.Sprintf("%X", v),
		}
		if strings.Contains(v, "🔑") {
			delete(forms, "json strconv.QuoteToASCII") // \U0001f511 is Go's alone
		}
		for by, text := range forms {
			form, _, _ := strings.Cut(by, " ")
			if text == v {
				form = "verbatim"
			}
			found(t, s, by, form, text)
		}
	}
}

func xmlText(v string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(v))
	return b.String()
}

func executed(t *testing.T, text, v string) string {
	var b bytes.Buffer
	if err := htmltemplate.Must(htmltemplate.New("").Parse(text)).Execute(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Characters of base64 that share a bit with what is before or after the value
// may stay; nothing else may.
func TestBase64AnywhereInAnother(t *testing.T) {
	for _, v := range []string{sample, "12345678", "~~~~????>>>>\xff\xfe\xfb"} {
		s := setWith(v)
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			for before := range 7 {
				for after := range 4 {
					text := enc.EncodeToString([]byte("user:Abc"[:before] + v + "\xff\xfe\xfd"[:after]))
					got, n := through(t, s, text)
					for i := range text {
						firstBit, lastBit := 6*i, 6*i+5
						inside := firstBit >= 8*before && lastBit < 8*(before+len(v))
						outside := lastBit < 8*before || firstBit >= 8*(before+len(v))
						if covered := got[i] != text[i]; inside && !covered || outside && covered {
							t.Fatalf("%q: character %d of %q: %q", v, i, text, got)
						}
					}
					if n["base64"] != 1 {
						t.Fatalf("%q counted as %v", text, n)
					}
				}
			}
		}
	}
}

func TestBackslashBeforeSpace(t *testing.T) {
	s := setWith(`correct "horse" é staple`)
	for by, text := range map[string]string{
		"a shell, spaces alone": `correct\ "horse"\ é\ staple`,
		"printf %q":             `correct\ \"horse\"\ é\ staple`,
		"Perl quotemeta":        "correct\\ \\\"horse\\\"\\ \\\xc3\\\xa9\\ staple",
	} {
		found(t, s, by, "json", text)
	}
}

// A JWT and many queues have JSON in base64: the value in it is escaped first.
func TestBase64OfJSON(t *testing.T) {
	s := setWith(sample)
	for _, value := range []string{
		`k3/Y+z=Q\"v'<w>&é\\~*J`,                // most
		`k3/Y+z=Q\"v'<w>&\u00e9\\~*J`,           // Python
		`k3/Y+z=Q\"v'\u003cw\u003e\u0026é\\~*J`, // Go
		`k3\/Y+z=Q\"v'<w>&\u00e9\\~*J`,          // PHP
	} {
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			for before := range 3 {
				head := `{"k":"`[before:]
				text := enc.EncodeToString([]byte(head + value + `"}`))
				got, n := through(t, s, text)
				from, to := (8*len(head)+5)/6, 8*(len(head)+len(value))/6
				if got[:from] != text[:from] || got[to:] != text[to:] || got[from:from+len(Marker)] != Marker || n["base64"] != 1 {
					t.Errorf("%s in base64 behind %s:\n got %s\n for %s, %v", value, head, got, text, n)
				}
			}
		}
	}
}

func TestShortValues(t *testing.T) {
	s := setWith("1234567", "hunter2")
	if got, n := through(t, s, "1234567 hunter2 aHVudGVyMg== 68756e74657232\n"); strings.Contains(got, "*") || n.Total() != 0 {
		t.Errorf("values under 8 bytes are looked for: %q", got)
	}
	if s.Empty() {
		t.Error("a set with short values only holds back less than others")
	}
}

// Where several forms begin at one place, the longest names the echo.
func TestLongestFormCounts(t *testing.T) {
	for _, longer := range []string{"6162636465666768", "6162636465666768xyz", "6162636465666768" + key} {
		s := setWith("abcdefgh", longer, "6162636465666768"+key)
		if _, n := through(t, s, "<"+longer+">"); n.Total() != 1 || n["verbatim"] != 1 && len(longer) > 16 {
			t.Errorf("%s counted as %v", longer, n)
		}
	}
}

// A form of 64 KiB and more is covered whole, and each long piece of it alone.
func TestLongValue(t *testing.T) {
	var v strings.Builder
	for i := 0; v.Len() < 64<<10; i++ {
		fmt.Fprintf(&v, "%x.", i*i)
	}
	value := v.String()[:64<<10]
	s := setWith(value)
	for _, text := range []string{value, base64.StdEncoding.EncodeToString([]byte(value))} {
		got, n := through(t, s, "<"+text+">")
		core := Marker + strings.Repeat("*", len(text)-len(Marker)-4)
		if !strings.HasPrefix(got, "<"+core) || !strings.HasSuffix(got, ">") || n.Total() != 1 {
			t.Fatalf("%d bytes, %v: %.80q … %q", len(text), n, got, got[len(got)-80:])
		}
	}
	if _, n := through(t, s, value[:511]+" "+value[len(value)-511:]); n.Total() != 0 {
		t.Errorf("a fragment was covered: %v", n)
	}
	for _, p := range s.all() {
		if len(p.text) > 2<<10 {
			t.Fatalf("a pattern has %d bytes", len(p.text))
		}
	}
}

// all is every pattern of s.
func (s *Set) all() (list []pattern) {
	if t := s.tables.Load(); t != nil {
		list = t.patterns(0, len(t.tiers), nil)
	}
	return list
}
