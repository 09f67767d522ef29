package agents

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Policy is what an agent may use. It only takes away: what the allowlist and the
// bindings deny stays denied.
type Policy struct {
	Allow   []string         // patterns of names; none: no secret
	Deny    []string         // wins over Allow
	Hosts   []allowlist.Rule // none: any
	Methods []string         // none: any
	Rate    int              // exchanges with secrets a minute; 0: any number
}

// MaxRate is more than anybody limits.
const MaxRate = 100_000

var patternForm = regexp.MustCompile(`^[A-Z*][A-Z0-9_*]*$`)

const maxPattern = 128 // bytes, as of a name

// ParsePattern reads a name of a secret in which * stands for any characters.
func ParsePattern(text string) (string, error) {
	if len(text) > maxPattern || !patternForm.MatchString(text) {
		return "", fmt.Errorf("%q is no name of a secret and no pattern of names: write it like STRIPE_KEY or STRIPE_*", shortened(text))
	}
	return text, nil
}

// ParseHost reads a host as rules of the allowlist name it.
func ParseHost(text string) (allowlist.Rule, error) { return allowlist.ParseRule(text) }

// ParseRate reads how many exchanges a minute there may be: 60/min, 60, or none.
func ParseRate(text string) (int, error) {
	if text == "none" {
		return 0, nil
	}
	digits, unit, has := strings.Cut(text, "/")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n > MaxRate || has && unit != "min" && unit != "minute" {
		return 0, fmt.Errorf("%q is no rate: write it like 60/min, up to %d, or none", shortened(text), MaxRate)
	}
	return int(n), nil
}

// match reports whether a pattern takes name. Names hold nothing that path.Match
// gives a meaning to.
func match(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}

// DeniedError says what an agent's policy does not allow.
type DeniedError struct {
	Agent, Reason string
	hint          string
}

func (e *DeniedError) Error() string { return "agent " + e.Agent + " " + e.Reason }

// Hint is the command that would allow it.
func (e *DeniedError) Hint() string { return e.hint }

// Check returns a *DeniedError where the agent of that name may not use a secret so.
func (p Policy) Check(agent string, u allowlist.Use) error {
	denied := func(reason, flag string, texts []string) error {
		list := strings.Join(texts, ",")
		if list == "" {
			list = "''"
		} else {
			list = atomicfile.ShellWord(list)
		}
		return &DeniedError{agent, reason, "agentsecrets agent policy set " + agent + " --" + flag + " " + list}
	}
	host := allowlist.Rule{Host: u.Host, Port: u.Port}
	switch {
	case match(p.Deny, u.Name):
		rest := slices.DeleteFunc(slices.Clone(p.Deny), func(pattern string) bool { return match([]string{pattern}, u.Name) })
		return denied("may not use "+u.Name+": its policy denies it", "deny", rest)
	case !match(p.Allow, u.Name):
		return denied("may not use "+u.Name+": its policy allows other secrets alone", "allow", append(slices.Clone(p.Allow), u.Name))
	case len(p.Hosts) > 0 && !slices.ContainsFunc(p.Hosts, func(r allowlist.Rule) bool { return r.Match(u.Host, u.Port) }):
		return denied("may send no secret to "+host.String()+": its policy names other hosts", "host", append(HostTexts(p.Hosts), host.String()))
	case len(p.Methods) > 0 && !slices.Contains(p.Methods, u.Method):
		method, err := allowlist.ParseMethod(u.Method)
		if err != nil {
			method = "POST"
		}
		return denied("may not use a secret with this method: its policy names others", "method", append(slices.Clone(p.Methods), method))
	}
	return nil
}

// HostTexts are hosts as ParseHost reads them.
func HostTexts(hosts []allowlist.Rule) []string {
	texts := make([]string, len(hosts))
	for i, r := range hosts {
		texts[i] = r.String()
	}
	return texts
}
