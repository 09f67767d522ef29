package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// hostile are values that a path, and so a variable, may have.
func hostile() map[string]string {
	set := map[string]string{}
	for i, value := range []string{
		"", " ", "plain", " a b ", "it's", `"quoted"`, "$HOME", "${HOME}", "$(id)", "`id`", `a\`, `\\`, `\n`, `\'`, "'\\''", "#no comment", "!!", "~", "*",
		"a\nb", "\n", "a\r\nb", "tab\there", "%h %%", "é", "’; id; ‘", "‚‛’‘", "|&;<>()", "=", "a=b", "\xff\xfe", "[x]", "{a,b}", "'", "''", "\u2019\u2019'", `C:\it's`,
		"\x01\x1b[31m", "@", "--", "-e", "/a:/b:", "$'x'", "\"", "\\\"", "end\\",
	} {
		set[fmt.Sprintf("V%d", i)] = value
	}
	runes := []rune("a b'\"\\$`\n!*é#~;&|<>(){}%=\u2019\u2018")
	source := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		var b strings.Builder
		for range source.IntN(12) {
			b.WriteRune(runes[source.IntN(len(runes))])
		}
		set[fmt.Sprintf("R%d", i)] = b.String()
	}
	return set
}

// What a shell is told, a program that it starts sees, to the byte; and nothing
// else of it is executed.
func TestShellsSetWhatTheyAreTold(t *testing.T) {
	set := hostile()
	set["PATH_LIKE_PYTHONPATH"] = "/a b:/c"
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			name := shell
			if shell == "dash" {
				name = "sh"
			}
			lines, _ := shellSyntax(name)
			script := "GONE=x"
			if shell == "fish" {
				script = "set -gx GONE x"
			}
			got := environmentIn(t, shell, script+"\n"+text(t, lines, set, []string{"GONE", "NEVER_SET"}))
			for name, want := range set {
				if got[name] != want {
					t.Errorf("%q became %q", want, got[name])
				}
			}
			if _, there := got["GONE"]; there {
				t.Error("what was to be unset is there")
			}
		})
	}
}

func text(t *testing.T, lines syntax, set map[string]string, unset []string) string {
	t.Helper()
	var b strings.Builder
	if err := lines.write(&b, set, unset); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// environmentIn runs a script as a user does, by eval or source, and tells the
// environment of a program that the shell then starts.
func environmentIn(t *testing.T, shell, script string) map[string]string {
	t.Helper()
	const show = `python3 -c 'import json, os; print(json.dumps({k.decode(): v.decode("latin-1") for k, v in os.environb.items()}))'`
	take := `eval "$(cat)"; ` + show
	if shell == "fish" {
		take = "cat | source; " + show
	}
	cmd := exec.Command(shell, "-c", take)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8"}
	cmd.Stdin = strings.NewReader(script)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v\n%s", shell, err, errs.String())
	}
	var latin map[string]string
	if err := json.Unmarshal(out, &latin); err != nil {
		t.Fatal(err)
	}
	for name, value := range latin {
		var b []byte
		for _, r := range value {
			b = append(b, byte(r))
		}
		latin[name] = string(b)
	}
	return latin
}

// There is no PowerShell here: this reads its lines by the rules of its lexer,
// for which any of five characters opens, closes and, doubled, is a quote.
func TestPowerShellReadsWhatItIsTold(t *testing.T) {
	lines, _ := shellSyntax("powershell")
	set := hostile()
	rest := text(t, lines, set, []string{"GONE"})
	rest, ok := strings.CutPrefix(rest, "Remove-Item -ErrorAction SilentlyContinue Env:GONE\n")
	for ok && rest != "" {
		var name, value string
		var after string
		if name, after, ok = strings.Cut(strings.TrimPrefix(rest, "$env:"), " = "); !ok {
			break
		}
		if value, rest, ok = powershellString(after); !ok || set[name] != value {
			t.Fatalf("%s is %q, and became %q", name, set[name], value)
		}
		delete(set, name)
		if rest, ok = strings.CutPrefix(rest, "\n"); !ok {
			t.Fatalf("behind %s stands %q", name, rest)
		}
	}
	if !ok || len(set) > 0 {
		t.Errorf("%d values were not read, before %.40q", len(set), rest)
	}
}

// powershellString reads a verbatim string at the beginning of s.
func powershellString(s string) (value, rest string, ok bool) {
	isQuote := func(r rune) bool { return strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) }
	r := []rune(latinBytes(s))
	if len(r) == 0 || !isQuote(r[0]) {
		return "", s, false
	}
	var b []rune
	for i := 1; i < len(r); i++ {
		if isQuote(r[i]) {
			if i+1 == len(r) || !isQuote(r[i+1]) {
				return fromLatinBytes(b), fromLatinBytes(r[i+1:]), true
			}
			i++
		}
		b = append(b, r[i])
	}
	return "", s, false
}

// latinBytes carries bytes that are no UTF-8 through runes, as private ones.
func latinBytes(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r == '\uFFFD' && s[i] >= 0x80 && !strings.HasPrefix(s[i:], "\uFFFD") {
			r = 0xF0000 + rune(s[i])
		}
		b.WriteRune(r)
	}
	return b.String()
}

func fromLatinBytes(r []rune) string {
	var b strings.Builder
	for _, r := range r {
		if r >= 0xF0000 && r <= 0xF00FF {
			b.WriteByte(byte(r - 0xF0000))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// An env-file of Docker has a variable a line, and nothing is quoted in it.
func TestDockerReadsWhatItIsTold(t *testing.T) {
	lines, _ := shellSyntax("docker")
	for name, value := range hostile() {
		var b strings.Builder
		err := lines.write(&b, map[string]string{name: value}, nil)
		if strings.ContainsAny(value, "\r\n") {
			if err == nil || b.Len() > 0 || !strings.Contains(err.Error(), name) {
				t.Errorf("%q: %v, written was %q", value, err, b.String())
			}
			continue
		}
		if err != nil || b.String() != name+"="+value+"\n" {
			t.Errorf("%q: %v, written was %q", value, err, b.String())
		}
	}
}

// systemd reads an EnvironmentFile= as this does: see its env-file.c.
func TestSystemdReadsWhatItIsTold(t *testing.T) {
	lines, _ := shellSyntax("systemd")
	for name, want := range hostile() {
		line := text(t, lines, map[string]string{name: want}, nil)
		quoted, ok := strings.CutPrefix(line, name+`="`)
		if !ok {
			t.Fatalf("%q is written as %q", want, line)
		}
		var b []byte
		i, closed := 0, false
		for ; i < len(quoted) && !closed; i++ {
			switch c := quoted[i]; {
			case c == '"':
				closed = true
			case c == '\\' && strings.IndexByte("\"\\`$", quoted[i+1]) >= 0:
				i++
				b = append(b, quoted[i])
			case c == '\\' && quoted[i+1] == '\n':
				i++ // the line goes on
			default:
				b = append(b, c)
			}
		}
		if string(b) != want || !closed || quoted[i:] != "\n" {
			t.Errorf("%q became %q, and %q stands behind it", want, b, quoted[i:])
		}
	}
}
