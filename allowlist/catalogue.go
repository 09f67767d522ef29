package allowlist

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

//go:embed catalogue.txt
var catalogueFile string

// Catalogue holds the providers whose secrets have well-known names. It does not
// change, and is safe for concurrent use.
type Catalogue struct {
	providers []Provider
	exact     map[string]bool // text hosts
	patterns  []string
}

// Provider is where a secret of one of the Names may go, as a person who knows the
// provider's API would bind it.
type Provider struct {
	Name       string
	Names      []string // patterns of names of secrets; * stands for any text
	Hosts      []Rule
	Places     []string
	Model      bool     // hands what it gets to a model
	Publishing bool     // shows what it gets to people
	Text       []string // hosts at which request bodies are text; * stands for any text
}

// Binding is what a secret of this provider is bound to. It shares no memory with
// the catalogue.
func (p Provider) Binding() Binding {
	return Binding{Hosts: slices.Clone(p.Hosts), Places: slices.Clone(p.Places)}
}

// NewCatalogue reads the catalogue that this package carries. That it can be read
// is for the tests of this package to say.
func NewCatalogue() *Catalogue {
	c, err := readCatalogue(catalogueFile)
	if err != nil {
		panic(err)
	}
	return c
}

// Providers lists all of the catalogue, in its order.
func (c *Catalogue) Providers() []Provider { return slices.Clone(c.providers) }

// For returns the provider whose secrets are called so; no name has two.
func (c *Catalogue) For(name string) (Provider, bool) {
	i := slices.IndexFunc(c.providers, func(p Provider) bool {
		return slices.ContainsFunc(p.Names, func(pattern string) bool { return matchPieces(strings.Split(pattern, "*"), name) })
	})
	if i < 0 {
		return Provider{}, false
	}
	return c.providers[i], true
}

// TextHost reports whether request bodies to host, in A-label form, are text.
func (c *Catalogue) TextHost(host string) bool {
	return c.exact[host] || slices.ContainsFunc(c.patterns, func(pattern string) bool {
		return matchPieces(strings.Split(pattern, "*"), host)
	})
}

func readCatalogue(text string) (*Catalogue, error) {
	c := &Catalogue{exact: map[string]bool{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := c.readLine(line); err != nil {
			return nil, fmt.Errorf("catalogue, line %d: %w", n, err)
		}
	}
	for i := range c.providers {
		c.providers[i].finish(c)
	}
	return c, nil
}

func (c *Catalogue) readLine(line string) error {
	if strings.HasPrefix(line, "[") {
		p, err := readProvider(line)
		c.providers = append(c.providers, p)
		return err
	}
	if len(c.providers) == 0 {
		return fmt.Errorf("%q belongs to no provider", line)
	}
	p := &c.providers[len(c.providers)-1]
	words := strings.Fields(line)
	return p.add(words[0], words[1:])
}

func readProvider(line string) (Provider, error) {
	name, flags, ok := strings.Cut(line[1:], "]")
	p := Provider{Name: name}
	if !ok || name == "" {
		return p, fmt.Errorf("%q names no provider", line)
	}
	for _, flag := range strings.Fields(flags) {
		switch flag {
		case "model":
			p.Model = true
		case "publishing":
			p.Publishing = true
		default:
			return p, fmt.Errorf("no such flag: %s", flag)
		}
	}
	return p, nil
}

// add takes in a line of p.
func (p *Provider) add(key string, words []string) error {
	switch key {
	case "names":
		p.Names = append(p.Names, words...)
	case "text":
		p.Text = append(p.Text, words...)
	case "hosts":
		for _, word := range words {
			r, err := ParseRule(word)
			if err != nil {
				return err
			}
			p.Hosts = append(p.Hosts, r)
		}
	case "places":
		for _, word := range words {
			pattern, err := place.Parse(word)
			if err != nil {
				return err
			}
			p.Places = append(p.Places, pattern)
		}
	default:
		return fmt.Errorf("no such key: %s", key)
	}
	return nil
}

// finish gives p what it did not say, and c its text hosts.
func (p *Provider) finish(c *Catalogue) {
	if len(p.Text) == 0 && (p.Model || p.Publishing) {
		p.Text = ruleTexts(p.Hosts)
	}
	for _, host := range p.Text {
		if strings.Contains(host, "*") {
			c.patterns = append(c.patterns, host)
		} else {
			c.exact[host] = true
		}
	}
}
