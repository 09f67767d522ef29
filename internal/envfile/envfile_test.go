package envfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// show writes a file as "NAME=value|NAME=value", with what is empty and skipped behind it.
func show(f *File) string {
	var all []string
	for _, e := range f.Entries {
		all = append(all, e.Name+"="+string(e.Value.Reveal()))
	}
	text := strings.Join(all, "|")
	if len(f.Empty) > 0 {
		text += " empty:" + strings.Join(f.Empty, ",")
	}
	if len(f.Skipped) > 0 {
		text += " skipped:" + strings.Join(f.Skipped, ",")
	}
	return text
}

func TestDotenv(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"\n \t\n# A=1\n  # B=2\r\n":     "",
		"A=1":                           "A=1",
		"A=1\nB=2\n":                    "A=1|B=2",
		"A=1\r\nB=2\r\n":                "A=1|B=2",
		"\ufeffA=1\n":                   "A=1",
		"export A=1\nexport\tB = 2\n":   "A=1|B=2",
		"exportA=1\nexport=2\n":         "exportA=1|export=2",
		"A= x y \t\n":                   "A=x y",
		"A=a=b==\n":                     "A=a=b==",
		"A=x #c\nB=x\t# c\nC=x#y\n":     "A=x|B=x|C=x#y",
		"A=#x\nB= #x\nC=\nD=''\nE=\"\"": "A=#x empty:B,C,D,E",
		"A=$HOME\nB=${HOME}\nC=$(id)\nD=\"$HOME\"\nE='$HOME'\nF=\\$X\n": "A=$HOME|B=${HOME}|C=$(id)|D=$HOME|E=$HOME|F=\\$X",
		"A=a\\nb\nB='a\\nb'\nC=`a\\nb`\nD=\"a\\nb\"\n":                  "A=a\\nb|B=a\\nb|C=a\\nb|D=a\nb",
		`A="\r\t\\\"\'\` + "`" + `\$\d\x"`:                              "A=\r\t\\\"'`$\\d\\x",
		"A='it''":                                                       "!line 1: something follows the closing quote",
		"A=\"say \\\"hi\\\"\"\nB='a \"b\"'\nC=`'\"`\nD=it's\nE=a\"b\"":  "A=say \"hi\"|B=a \"b\"|C='\"|D=it's|E=a\"b\"",
		"A=\"-----BEGIN X-----\nab+/=\n-----END X-----\n\"\nB=2":        "A=-----BEGIN X-----\nab+/=\n-----END X-----\n|B=2",
		"A='one\r\ntwo' # c\r\nB=2":                                     "A=one\r\ntwo|B=2",
		"A=\"x\"#c\nB=\"y\"  \n":                                        "A=x|B=y",
		"a.b-c_1=x\n":                                                   "a.b-c_1=x",
		"A=\xff\x00\x80\n":                                              "A=\xff\x00\x80",
		"A=\"x":                                                         "!line 1: a quote is not closed",
		"A=1\nB='x\ny\n":                                                "!line 2: a quote is not closed",
		"A=\"x\\\"":                                                     "!line 1: a quote is not closed",
		"A=\"x\ny\" z\n":                                                "!line 2: something follows the closing quote",
		"A=1\nsecret-without-name\n":                                    "!line 2: it has no NAME=",
		"1A=x\n":                                                        "!line 1: what stands before = is no name",
		"=x\n":                                                          "!line 1: what stands before = is no name",
		"A B=x\n":                                                       "!line 1: what stands before = is no name",
		"A: x=y\n":                                                      "!line 1: what stands before = is no name",
		"A=1\nB=2\nA=3\n":                                               "!line 3: the name in this line stands in line 1 already",
		"A=op://vault/item/field\n":                                     "!line 1: the value is a reference of 1Password",
	} {
		f, err := Read(Auto, []byte(text))
		if reason, bad := strings.CutPrefix(want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%q: %v, want %q", text, err, reason)
			}
			continue
		}
		if err != nil || show(f) != want || f.Format != Dotenv {
			t.Errorf("%q: %q, %v; want %q", text, show(f), err, want)
		}
	}
}

func TestDotenvNotesWhereReadersDiffer(t *testing.T) {
	f, err := Read(Dotenv, []byte("A=x$y\nB=\"x$y\"\nC='x$y'\nD=x#y\nE=\"x\\ty\"\nF=plain\nG='x\\ty'\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{noteDollar, noteDollar, "", noteHash, noteBackslash, "", ""}
	for i, e := range f.Entries {
		if e.Note != want[i] || e.Line != i+1 {
			t.Errorf("%s in line %d: %q, want %q", e.Name, e.Line, e.Note, want[i])
		}
	}
}

func TestStructured(t *testing.T) {
	for _, c := range []struct {
		asked Format
		text  string
		is    Format
		want  string
	}{
		{Auto, `{}`, JSON, ""},
		{Auto, ` {"A":"x","b-c":"y\n\"\u00e9\ud83d\ude00","N":1e5,"T":true,"Z":null,"E":""}`, JSON, "A=x|b-c=y\n\"é😀|N=1e5|T=true empty:Z,E"},
		{Auto, `{"A":"$HOME ${X}","B":"\ufffd�\\ud800"}`, JSON, "A=$HOME ${X}|B=��\\ud800"},
		{Auto, `{"DOPPLER_PROJECT":"p","DOPPLER_CONFIG":"c","DOPPLER_ENVIRONMENT":"e","A":"x"}`, Doppler, "A=x skipped:DOPPLER_PROJECT,DOPPLER_CONFIG,DOPPLER_ENVIRONMENT"},
		{JSON, `{"DOPPLER_PROJECT":"p","DOPPLER_CONFIG":"c","DOPPLER_ENVIRONMENT":"e","A":"x"}`, JSON, "DOPPLER_PROJECT=p|DOPPLER_CONFIG=c|DOPPLER_ENVIRONMENT=e|A=x"},
		{Auto, `{"A":{"computed":"x","note":""},"DOPPLER_CONFIG":{"computed":"c"},"R":{"computed":null}}`, Doppler, "A=x empty:R skipped:DOPPLER_CONFIG"},
		{Doppler, "A=\"x\"\nDOPPLER_CONFIG=\"c\"\n", Doppler, "A=x skipped:DOPPLER_CONFIG"},
		{Auto, "A=\"x\"\nDOPPLER_CONFIG=\"c\"\n", Dotenv, "A=x|DOPPLER_CONFIG=c"},
		{Auto, `{"id":"i","title":"t","fields":[
			{"id":"username","type":"STRING","label":"username","value":"me"},
			{"id":"password","type":"CONCEALED","purpose":"PASSWORD","label":"password","value":"p\"w"},
			{"id":"x1","type":"STRING","label":"DB_HOST","value":"db"},
			{"id":"x2","type":"CONCEALED","label":"API key","value":"k","section":{"id":"s"}},
			{"id":"x3","type":"CONCEALED","label":"unset"},
			{"id":"notesPlain","type":"STRING","purpose":"NOTES","label":"notesPlain"}]}`, OnePassword,
			`password=p"w|DB_HOST=db|API key=k empty:unset skipped:username,notesPlain`},
		{Auto, `[{"id":"a","type":"CONCEALED","label":"A","value":"x"},{"id":"b","type":"CONCEALED","value":"y"}]`, OnePassword, "A=x|b=y"},
		{Auto, `{"id":"a","type":"CONCEALED","label":"A","value":"x","reference":"op://v/i/a"}`, OnePassword, "A=x"},
		{Auto, `{"type":"CONCEALED","label":"A"}`, JSON, "type=CONCEALED|label=A"},
		{JSON, `{"A":{"B":"secretvalue"}}`, "", `"A" is an object or a list`},
		{JSON, `{"A":["secretvalue"]}`, "", `"A" is an object or a list`},
		{JSON, "{\"A\":\"secretvalue\"\n\"B\":1}", "", "line 2: it is no JSON"},
		{JSON, `{"A":"secretvalue"} x`, "", "it is no JSON"},
		{JSON, `{"A":"secretvalue","A":"y"}`, "", `"A" stands there twice`},
		{JSON, `{"A":"\ud800secretvalue"}`, "", "half of a surrogate pair"},
		{JSON, "{\"A\":\"\xffsecretvalue\"}", "", "it is not UTF-8"},
		{JSON, `"secretvalue"`, "", "it is no object"},
		{JSON, `A=secretvalue`, "", "it is no JSON"},
		{JSON, `[]`, JSON, ""},
		{OnePassword, `{"fields":"secretvalue"}`, "", "no item with fields"},
		{OnePassword, `{"fields":[{"type":"CONCEALED","value":"secretvalue"}]}`, "", "a field has no label"},
		{OnePassword, `{"fields":[{"label":"A","type":"CONCEALED","value":"secretvalue"},{"label":"A","type":"CONCEALED","value":"y"}]}`, "", "a name stands there twice"},
		{OnePassword, `A=secretvalue`, "", "it is no JSON"},
		{JSON, `{"A":"op://secretvalue/x"}`, "", "a reference of 1Password"},
		{"xml", `{}`, "", "there is no format"},
	} {
		f, err := Read(c.asked, []byte(c.text))
		if c.is == "" {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secretvalue") {
				t.Errorf("%s as %s: %v, want %q", c.text, c.asked, err, c.want)
			}
			continue
		}
		if err != nil || f.Format != c.is || show(f) != c.want {
			t.Errorf("%s as %s: %v, %q, %v; want %q", c.text, c.asked, f, show(f), err, c.want)
		}
	}
}

func TestFilesPrintNoValue(t *testing.T) {
	f, err := Read(Auto, []byte("A=secretvalue\n"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(f)
	if text := fmt.Sprintf("%v %+v %#v %s %s", f, *f, f.Entries, b, err); strings.Contains(text, "secretvalue") {
		t.Error(text)
	}
}

// Node's own reader of such files (node --env-file), which puts in no variables either, says the same wherever the
// dialects agree: no backslash in double quotes, no # in text without quotes.
func TestDotenvAsNodeReadsIt(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("this test compares with Node: %v", err)
	}
	var text strings.Builder
	var want []string
	values := []string{"plain", "two words", "a=b", "$HOME", "${X:-y}", `back\slash`, "it's", "ünï", "sk-test-/+9", "a:b,c;d|e&f<g>(h)*!?^~[]{}%@", "line one\nline two\n", "\t tab ", "a # b"}
	for i, v := range values {
		for j, quote := range []string{"", "'", "`", `"`} {
			switch {
			case quote == "" && (strings.ContainsAny(v, "\n#\t")), quote == `"` && strings.Contains(v, `\`), quote != "" && strings.Contains(v, quote):
				continue
			}
			name := fmt.Sprintf("V%d_%d", i, j)
			fmt.Fprintf(&text, "%s%s=%s%s%s%s\n", []string{"", "export "}[i%2], name, quote, v, quote, []string{"", "  "}[j%2])
			want = append(want, name+"="+v)
		}
	}
	path := t.TempDir() + "/.env"
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(node, "-p", `JSON.stringify(Object.entries(util.parseEnv(fs.readFileSync(process.argv[1],"utf8"))).map(e=>e.join("=")))`, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var theirs []string
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := Read(Dotenv, []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.Split(strings.ReplaceAll(show(f), "|V", "\x00V"), "\x00")
	slices.Sort(theirs)
	slices.Sort(ours)
	slices.Sort(want)
	if !slices.Equal(ours, want) || !slices.Equal(theirs, want) {
		t.Errorf("ours %q\nNode %q\nwant %q", ours, theirs, want)
	}
	if len(want) < 35 {
		t.Errorf("%d values only", len(want))
	}
}

func TestErrorsAreTyped(t *testing.T) {
	_, err := Read(Auto, []byte("A=1\nx\n"))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 2 || syntax.Format != Dotenv {
		t.Errorf("%v", err)
	}
	_, err = Read(Auto, []byte("A=op://x"))
	var ref *ReferenceError
	if !errors.As(err, &ref) || !strings.HasPrefix(ref.Hint(), "op inject") {
		t.Errorf("%v", err)
	}
}
