package main

import "strings"

// syntax is how a shell sets and unsets variables that its programs see.
type syntax struct {
	set, unset string // with %s for the name, and the quoted value
	quote      func(string) string
}

func shellSyntax(shell string) (syntax, bool) {
	switch shell {
	case "sh":
		return syntax{"export %s=%s", "unset %s", quoteSh}, true
	case "fish":
		return syntax{"set -gx %s %s", "set -e %s", quoteFish}, true
	case "powershell":
		return syntax{"$env:%s = %s", "Remove-Item -ErrorAction SilentlyContinue Env:%s", quotePowershell}, true
	}
	return syntax{}, false
}

func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteFish: in fish's single quotes a backslash escapes itself and the quote.
func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

func quotePowershell(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
