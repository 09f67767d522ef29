package allowlist

import "strings"

// Deciding names, for records, what Check goes by: the rules that allow the request, else those that match the host, and the binding of the secret as
// the flags that would make it. Nothing in it is from the wire but the name.
func (l *List) Deciding(u Use) []string {
	if l == nil {
		return nil
	}
	var texts []string
	if host, err := NormalHost(u.Host); err == nil {
		rules := l.at(host, u.Port)
		if allowing, _, ok := u.allowing(rules); ok {
			rules = allowing
		}
		for _, r := range rules {
			texts = append(texts, r.Text())
		}
	}
	if b, bound := l.Bindings[u.Name]; bound && !b.Unbound() {
		texts = append(texts, printable(u.Name)+" bound to "+b.flags())
	}
	return texts
}

func (b Binding) flags() string {
	var words []string
	for _, f := range []struct {
		flag  string
		texts []string
	}{{"--host", ruleTexts(b.Hosts)}, {"--in", b.Places}, {"--method", b.Methods}, {"--path", b.Paths}} {
		for _, text := range f.texts {
			words = append(words, f.flag, quote(text))
		}
	}
	if b.NoEnv {
		words = append(words, "--no-env")
	}
	return strings.Join(words, " ")
}

// PlaceHint is the command that would let u stand in its place, where it is text now.
func (l *List) PlaceHint(u Use) string {
	var b Binding
	if l != nil {
		b = l.Bindings[u.Name]
	}
	return u.denied(otherPlace, b).Hint()
}
