package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// syntax is how the variables of a program are written down for whoever sets
// them: a shell, or what starts containers and services.
type syntax struct {
	set, unset string // with %s for the name, and the quoted value
	quote      func(string) (string, error)
	// after is what is to be known of it, said on standard error; DIR is the
	// directory with the files that the variables name. "" for shells.
	after string
}

// file reports whether this begins an environment, of which nothing is known and
// in which there is nothing to undo.
func (s syntax) file() bool { return s.unset == "" }

// detectShell is the syntax for the shell that started us, sh for what it does not
// know: scripts and other programs use that one.
func detectShell() string {
	switch by := startedBy(); by {
	case "fish", "bash", "zsh":
		return by
	case "pwsh", "powershell", "pwsh.exe", "powershell.exe":
		return "powershell"
	}
	return "sh"
}

// shellNames are what --shell takes.
func shellNames() []string {
	return []string{"sh", "bash", "zsh", "fish", "powershell", "docker", "systemd"}
}

func shellSyntax(shell string) (syntax, bool) {
	switch shell {
	case "sh", "bash", "zsh":
		return syntax{set: "export %s=%s", unset: "unset %s", quote: always(quoteSh)}, true
	case "fish":
		return syntax{set: "set -gx %s %s", unset: "set -e %s", quote: always(quoteFish)}, true
	case "powershell":
		return syntax{
			set: "$env:%s = %s", unset: "Remove-Item -ErrorAction SilentlyContinue Env:%s", quote: always(quotePowershell),
		}, true
	case "docker":
		return syntax{
			set: "%s=%s", quote: plainLine,
			after: "for docker run --env-file FILE --network host -v DIR:DIR:ro; whoever may talk to Docker sees the proxy's credential",
		}, true
	case "systemd":
		return syntax{set: "%s=%s", quote: always(quoteSystemd), after: "for EnvironmentFile= of a unit; keep it at mode 600, for it holds the proxy's credential"}, true
	}
	return syntax{}, false
}

// write writes what sets and unsets variables.
func (s syntax) write(out io.Writer, set map[string]string, unset []string) error {
	var b strings.Builder
	for _, name := range unset {
		fmt.Fprintf(&b, s.unset+"\n", name)
	}
	for _, name := range sortedKeys(set) {
		value, err := s.quote(set[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&b, s.set+"\n", name, value)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func always(quote func(string) string) func(string) (string, error) {
	return func(s string) (string, error) { return quote(s), nil }
}

func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteFish: in fish's single quotes a backslash escapes itself and the quote.
func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// quotePowershell doubles every character that PowerShell takes for a single
// quote: the typographic ones too (about_Quoting_Rules).
func quotePowershell(s string) string {
	var pairs []string
	for _, quote := range []string{"'", "\u2018", "\u2019", "\u201a", "\u201b"} {
		pairs = append(pairs, quote, quote+quote)
	}
	return "'" + strings.NewReplacer(pairs...).Replace(s) + "'"
}

// plainLine: in Docker's env-file nothing is quoted, and a line is a variable.
func plainLine(s string) (string, error) {
	if strings.ContainsAny(s, "\r\n") {
		return "", errors.New("a line of Docker's env-file cannot hold a line break")
	}
	return s, nil
}

// quoteSystemd: between double quotes of an EnvironmentFile= a backslash escapes
// these four, and nothing else is special (systemd.exec(5)). A line break stays.
func quoteSystemd(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s) + `"`
}
