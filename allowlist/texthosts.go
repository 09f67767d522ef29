package allowlist

import (
	_ "embed"
	"path"
	"strings"
)

//go:embed texthosts.txt
var textHostsFile string

// TextHosts are the hosts to which request bodies are text: model providers
// and places where people read what is sent.
type TextHosts struct {
	exact    map[string]bool
	patterns []string
}

// NewTextHosts reads the list that this package carries.
func NewTextHosts() *TextHosts {
	t := &TextHosts{exact: map[string]bool{}}
	for line := range strings.Lines(textHostsFile) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.Contains(line, "*"):
			t.patterns = append(t.patterns, line)
		default:
			t.exact[line] = true
		}
	}
	return t
}

// Has reports whether host, in A-label form, is one of them.
func (t *TextHosts) Has(host string) bool {
	if t.exact[host] {
		return true
	}
	for _, p := range t.patterns {
		if ok, err := path.Match(p, host); ok && err == nil {
			return true
		}
	}
	return false
}
