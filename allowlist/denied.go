package allowlist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

// The reasons of a DeniedError.
const (
	reasonEmpty   = "empty_allowlist"
	reasonDomain  = "domain_not_in_allowlist"
	reasonBinding = "binding_denied"
	reasonPlace   = "place_denied"
)

// DeniedError says why a secret may not be used so.
type DeniedError struct {
	Reason  string // domain_not_in_allowlist, empty_allowlist, binding_denied or place_denied
	Name    string
	Host    string
	Port    int
	Place   string
	binding Binding // that denied it
}

func (u Use) denied(reason string, b Binding) *DeniedError {
	host := u.Host
	if normal, err := NormalHost(host); err == nil {
		host = normal
	}
	return &DeniedError{Reason: reason, Name: u.Name, Host: host, Port: u.Port, Place: u.Place, binding: b}
}

func (e *DeniedError) Error() string {
	host := printable(hostPort(e.Host, e.Port))
	name := printable(e.Name)
	switch e.Reason {
	case reasonEmpty:
		return fmt.Sprintf("no host is allowed yet, %s neither", host)
	case reasonBinding:
		return fmt.Sprintf("%s is bound to other hosts than %s", name, host)
	case reasonPlace:
		return fmt.Sprintf("%s may not stand in this place: %s", name, printable(e.Place))
	}
	return host + " is not in the allowlist"
}

// Hint is the command that would allow the use. Hosts or places that are given replace those of the binding, and what
// is not given stays: so the hint repeats what was allowed.
func (e *DeniedError) Hint() string {
	if _, err := NormalHost(e.Host); err != nil {
		return "agentsecrets workspace allowlist list" // no rule could name this host
	}
	host := hostPort(e.Host, e.Port)
	switch e.Reason {
	case reasonBinding:
		return e.set("--host", append(ruleTexts(e.binding.Hosts), host))
	case reasonPlace:
		return e.set("--in", append(slices.Clone(e.binding.places()), pattern(e.Place)))
	}
	return "agentsecrets workspace allowlist add " + quote(host)
}

func (e *DeniedError) set(flag string, texts []string) string {
	words := []string{"agentsecrets secrets set", quote(e.Name)}
	for _, text := range texts {
		words = append(words, flag, quote(text))
	}
	return strings.Join(words, " ")
}

func ruleTexts(rules []Rule) []string {
	var texts []string
	for _, r := range rules {
		texts = append(texts, r.String())
	}
	return texts
}

// pattern is the narrowest that a user may write and that matches actual. A field that comes from the wire with
// characters that no command line should hold is left out.
func pattern(actual string) string {
	kind, _, _ := strings.Cut(actual, ":")
	if p, err := place.Parse(actual); err == nil && place.Match(p, actual) && printable(p) == p {
		return p
	}
	return kind
}

// quote makes s one word of a POSIX shell, whatever is in it.
func quote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@,="
	s = printable(s)
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// printable replaces what could move a terminal's cursor or hide text; hints and errors may quote the wire.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
