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
	reasonMethod  = "method_denied"
	reasonPlace   = "place_denied"
)

// denial is what did not allow a use.
type denial uint8

const (
	emptyList denial = iota
	otherDomain
	otherHost // of the binding, as what follows
	otherMethod
	otherPath
	otherPlace
	ruleMethod // of the rules that name the host, as what follows
	rulePath
	rulePlace
)

// reason is the one that clients are told.
func (d denial) reason() string {
	return [...]string{reasonEmpty, reasonDomain, reasonBinding, reasonMethod, reasonBinding, reasonPlace, reasonMethod, reasonBinding, reasonPlace}[d]
}

// DeniedError says why a secret may not be used so.
type DeniedError struct {
	Reason       string // domain_not_in_allowlist, empty_allowlist, binding_denied, method_denied or place_denied
	Name         string
	Host         string
	Port         int
	Method, Path string
	Place        string
	denial       denial
	binding      Binding // that denied it
}

func (u Use) denied(d denial, b Binding) *DeniedError {
	host := u.Host
	if normal, err := NormalHost(host); err == nil {
		host = normal
	}
	return &DeniedError{
		Reason: d.reason(), Name: u.Name, Host: host, Port: u.Port, Method: u.Method, Path: u.Path, Place: u.Place, denial: d, binding: b,
	}
}

func (e *DeniedError) Error() string {
	host := printable(hostPort(e.Host, e.Port))
	name := printable(e.Name)
	switch e.denial {
	case emptyList:
		return fmt.Sprintf("no host is allowed yet, %s neither", host)
	case ruleMethod, rulePath, rulePlace:
		return e.ruleError(host)
	case otherHost:
		return fmt.Sprintf("%s is bound to other hosts than %s", name, host)
	case otherMethod:
		return fmt.Sprintf("%s is bound to other methods than %s", name, printable(e.Method))
	case otherPath:
		if patternOf(e.Path) == "" {
			return fmt.Sprintf("%s is bound to paths, and servers may read this one in more than one way: %s", name, printable(e.Path))
		}
		return fmt.Sprintf("%s is bound to other paths than %s", name, printable(e.Path))
	case otherPlace:
		return fmt.Sprintf("%s may not stand in this place: %s", name, printable(e.Place))
	}
	return host + " is not in the allowlist"
}

// Hint is the command that would allow the use. What is given of hosts, places, methods or paths replaces that of the
// binding, and what is not given stays: so the hint repeats what was allowed.
func (e *DeniedError) Hint() string {
	if _, err := NormalHost(e.Host); err != nil {
		return "agentsecrets workspace allowlist list" // no rule could name this host
	}
	host := hostPort(e.Host, e.Port)
	b := e.binding
	switch e.denial {
	case ruleMethod, rulePath, rulePlace:
		return e.ruleHint(host)
	case otherHost:
		return e.set("--host", append(ruleTexts(b.Hosts), host))
	case otherMethod:
		method, err := ParseMethod(e.Method)
		if err != nil || method != e.Method {
			return "agentsecrets secrets list" // no binding could name this method
		}
		return e.set("--method", append(slices.Clone(b.Methods), method))
	case otherPath:
		path := patternOf(e.Path)
		if path == "" {
			return "agentsecrets secrets list" // no binding could name this path
		}
		return e.set("--path", append(slices.Clone(b.Paths), path))
	case otherPlace:
		return e.set("--in", append(slices.Clone(b.places()), pattern(e.Place)))
	}
	return "agentsecrets workspace allowlist add " + quote(host)
}

func (e *DeniedError) set(flag string, texts []string) string {
	words := []string{"agentsecrets secrets bind", quote(e.Name)}
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
// characters that no command line should hold is left out; so is a member of JSON that is called any or has a star,
// which would mean more in a pattern.
func pattern(actual string) string {
	kind, field, _ := strings.Cut(actual, ":")
	if kind == place.Text {
		return place.Any
	}
	wider := actual == place.Any || kind == place.Body && strings.Contains(field, "*")
	if p, err := place.Parse(actual); err == nil && !wider && place.Match(p, actual) && printable(p) == p {
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
