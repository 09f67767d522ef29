package envfile

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// Any value, written in each way that can hold it, comes out as it went in; and a second one after it too.
func FuzzValuesAreExact(f *testing.F) {
	for _, v := range []string{"x", "a b", "$HOME", `\`, `\n`, `"`, "'", "`", "#", " # ", "a\r\nb", "\x00\xff", "-----BEGIN-----\nx==\n", "=", "\ufffd", "\ufeff", `\ud800`, "'\"`\\"} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if len(v) == 0 || bytes.HasPrefix(v, []byte("op://")) {
			return
		}
		for how, text := range written(v) {
			file, err := Read(Auto, []byte(text))
			if err != nil || len(file.Entries) != 2 || !bytes.Equal(file.Entries[0].Value.Reveal(), v) || string(file.Entries[1].Value.Reveal()) != "last" {
				t.Errorf("%s: %q: %q, %v", how, text, show(file), err)
			}
		}
	})
}

func written(v []byte) map[string]string {
	s := string(v)
	all := map[string]string{"double": `A="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + "\" # c\nB=last\n"}
	for _, quote := range []string{"'", "`"} {
		if !strings.Contains(s, quote) {
			all[quote] = "A=" + quote + s + quote + "\nB=last\n"
		}
	}
	if !strings.ContainsAny(s, "\r\n#") && strings.Trim(s, " \t") == s && !strings.ContainsAny(s[:1], "\"'`") {
		all["bare"] = "export A= " + s + "\t\r\nB=last\r\n"
	}
	if utf8.ValidString(s) {
		b, _ := json.Marshal(s)
		all["json"] = `{"A":` + string(b) + `,"B":"last"}`
		all["doppler"] = `{"A":{"computed":` + string(b) + `},"B":{"computed":"last"}}`
		all["1password"] = `{"fields":[{"type":"CONCEALED","label":"A","value":` + string(b) + `},{"type":"CONCEALED","label":"B","value":"last"}]}`
	}
	return all
}

// refusals are all texts that a refusal of a .env file may have: none quotes the file.
func refusals() *regexp.Regexp {
	return regexp.MustCompile(`^(not read as dotenv: )?line \d+: (it has no NAME=|what stands before = is no name|a quote is not closed|` +
		`something follows the closing quote|the name in this line stands in line \d+ already|the value is a reference of 1Password \(op://…\), not the secret itself)$`)
}

// Whatever a file holds, it is read or refused; a refusal quotes nothing of it.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"", "A=1", "A='", `A="\`, "export", "export =", `{"A":`, `{"A":1}`, "[", `[{}]`, `{"fields":[null]}`, `{"fields":[{"label":"A","type":"CONCEALED","value":{}}]}`, `{"A":{"computed":[]}}`, "\ufeff{", "A=1\rB=2"} {
		for i := range Formats() {
			f.Add(i, []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, format int, data []byte) {
		all := Formats()
		file, err := Read(Format(all[(format%len(all)+len(all))%len(all)]), data)
		if _, err := Read(Dotenv, data); err != nil && !refusals().MatchString(err.Error()) {
			t.Errorf("%q: %v", data, err)
		}
		if err != nil {
			if file != nil {
				t.Error("a file with an error")
			}
			return
		}
		total := 0
		for _, e := range file.Entries {
			if e.Value.IsZero() || len(e.Value.Reveal()) == 0 || e.Name == "" && file.Format != JSON && file.Format != Doppler {
				t.Errorf("%q: an entry without name or value", data)
			}
			total += len(e.Value.Reveal())
		}
		if total > len(data) {
			t.Errorf("%q: values are longer than the file", data)
		}
	})
}
