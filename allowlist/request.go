package allowlist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

// A rule of the allowlist may say more than a host: a method before it, a path after it, and places. Each narrows the
// rule, and a request is allowed where all that one rule says allows it. Hosts of bindings are hosts alone.

// ParseRequestRule reads a rule as ParseRule does, with a method before the host and a path pattern after it, where they
// are there: POST api.x.com/v1/*.
func ParseRequestRule(s string) (Rule, error) {
	method, rest, hasMethod := strings.Cut(s, " ")
	if !hasMethod {
		rest = s
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 && !strings.Contains(rest, "://") {
		host, path = rest[:i], rest[i:]
	}
	r, err := ParseRule(host)
	if err != nil {
		return Rule{}, err
	}
	if hasMethod {
		if r.Method, err = ParseMethod(method); err != nil {
			return Rule{}, &RuleError{Text: s, Reason: "has no valid method: " + err.Error(), try: "POST " + r.host()}
		}
	}
	if path != "" {
		if r.Path, err = ParsePath(path); err != nil {
			return Rule{}, &RuleError{Text: s, Reason: "has no valid path: " + err.Error(), try: r.host() + "/v1/*"}
		}
	}
	return r, nil
}

// Text is r with all that narrows or widens it, as the command line has it.
func (r Rule) Text() string {
	text := r.Request()
	if words := r.Options.Text(); words != "" {
		text += " " + words
	}
	return text
}

// Request is r without its options: what it allows.
func (r Rule) Request() string {
	text := r.String()
	for _, p := range r.Places {
		text += " --in " + p
	}
	return text
}

func (r Rule) narrowed() bool { return r.Method != "" || r.Path != "" || len(r.Places) > 0 }

func (r Rule) allowsMethod(method string) bool { return r.Method == "" || r.Method == method }
func (r Rule) allowsPath(path string) bool     { return r.Path == "" || matchPath(r.Path, path) }
func (r Rule) allowsPlace(actual string) bool {
	return len(r.Places) == 0 || slices.ContainsFunc(r.Places, func(p string) bool { return place.Match(p, actual) })
}

// at lists the rules that name host.
func (l *List) at(host string, port int) []Rule {
	return only(l.Rules, func(r Rule) bool { return r.match(host, port) })
}

func only(rules []Rule, ok func(Rule) bool) []Rule {
	var left []Rule
	for _, r := range rules {
		if ok(r) {
			left = append(left, r)
		}
	}
	return left
}

// allowing narrows rules to those that allow all of u, or says what the last of them failed at.
func (u Use) allowing(rules []Rule) ([]Rule, denial, bool) {
	if rules = only(rules, func(r Rule) bool { return r.allowsMethod(u.Method) }); len(rules) == 0 {
		return nil, ruleMethod, false
	}
	if rules = slices.DeleteFunc(rules, func(r Rule) bool { return !r.allowsPath(u.Path) }); len(rules) == 0 { // of a list of our own by now
		return nil, rulePath, false
	}
	if rules = slices.DeleteFunc(rules, func(r Rule) bool { return !r.allowsPlace(u.Place) }); len(rules) == 0 {
		return nil, rulePlace, false
	}
	return rules, 0, true
}

// ruleError is what a client is told where a rule names its host and not its request.
func (e *DeniedError) ruleError(host string) string {
	switch e.denial {
	case ruleMethod:
		return fmt.Sprintf("no rule for %s has the method %s", host, printable(e.Method))
	case rulePath:
		return fmt.Sprintf("no rule for %s and this method has the path %s", host, printable(e.Path))
	}
	return fmt.Sprintf("no rule for this request to %s has the place %s", host, printable(e.Place))
}

// ruleHint is the narrowest rule that would do.
func (e *DeniedError) ruleHint(host string) string {
	method, err := ParseMethod(e.Method)
	path := patternOf(e.Path)
	if err != nil || method != e.Method || path == "" {
		return "agentsecrets workspace allowlist list" // no rule could name this request
	}
	hint := "agentsecrets workspace allowlist add " + quote(method+" "+host+path)
	if e.denial == rulePlace {
		hint += " --in " + quote(pattern(e.Place))
	}
	return hint
}
