package redact

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// htmlForms escapes text as the templates of several languages do, which agree
// on "&", "<" and ">" and on little else.
func htmlForms(text []byte) [][]byte {
	var out [][]byte
	for _, quotes := range [][]string{
		{`"`, "&#34;", "'", "&#39;"},  // Go
		{`"`, "&quot;", "'", "&#39;"}, // Rails, .NET, lodash
		{`"`, "&quot;", "'", "&#x27;"},
		{`"`, "&quot;", "'", "&#039;"}, // PHP
		{`"`, "&quot;", "'", "&apos;"}, // XML
		{`"`, "&quot;"},
		{},
	} {
		for _, more := range [][]string{
			{},
			{"+", "&#43;"},                 // Go html/template
			{"/", "&#x2F;"},                // OWASP's list
			{"`", "&#x60;", "=", "&#x3D;"}, // Handlebars
			{"/", "&#x2F;", "`", "&#x60;", "=", "&#x3D;"}, // Mustache
		} {
			named := htmlNamed(text, slices.Concat([]string{"&", "&amp;", "<", "&lt;", ">", "&gt;"}, quotes, more))
			out = append(out, named, numeric(named, "&#%d;", utf8.RuneSelf))
		}
	}
	for _, verb := range []string{"&#%d;", "&#x%x;", "&#x%X;"} {
		out = append(out, numeric(text, verb, 0))
	}
	return out
}

// htmlNamed puts for the byte that is the first of each pair the second.
func htmlNamed(text []byte, pairs []string) []byte {
	var instead [256]string
	for i := 0; i < len(pairs); i += 2 {
		instead[pairs[i][0]] = pairs[i+1]
	}
	return each(text, func(out []byte, c byte) []byte {
		if instead[c] != "" {
			return append(out, instead[c]...)
		}
		return append(out, c)
	})
}

// numeric writes the characters from least on with verb.
func numeric(text []byte, verb string, least rune) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r < least {
			out = append(out, byte(r))
		} else {
			out = fmt.Appendf(out, verb, r)
		}
	}
	return out
}
