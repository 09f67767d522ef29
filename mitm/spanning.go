package mitm

import (
	"net/http"
	"strings"

	"github.com/agentsecrets/agentsecrets/redact"
)

// Echoes that no name or value of a field holds by itself: a value such as
// "user:password" may be written as a field of that name, and one with a comma as
// two lines of a field, which recipients may join (RFC 9110, 5.3).

// joins are what stands between the lines of a field when they are joined.
var joins = []string{", ", ",", "; "}

// afterName is what stands between the name of a field and its value.
var afterName = []string{": ", ":"}

// coverSpanning covers them in h. Nearly all heads have none: few values could stand
// so, and one look at all of the texts tells of the others.
func (x *exchange) coverSpanning(h http.Header) {
	set, told := x.run.released, x.released // the latter counts, once it is known to be covered here
	if !set.Spans() {
		return
	}
	if _, echoes := set.Name(spanningTexts(h)); echoes == nil {
		return
	}
	for name, lines := range h {
		x.echoes.Add(coverJoined(set, told, lines))
		for i := 0; i < len(lines); i++ {
			to, line, echoes := coverNamed(set, told, name, lines[i])
			if echoes == nil {
				continue
			}
			x.echoes.Add(echoes)
			lines = append(lines[:i:i], lines[i+1:]...)
			h[to] = append(h[to], line)
			i--
		}
		if h[name] = lines; len(lines) == 0 {
			delete(h, name)
		}
	}
}

// spanningTexts is all that a value could span, a line each.
func spanningTexts(h http.Header) []byte {
	var all []byte
	for name, lines := range h {
		for _, line := range lines {
			for _, between := range afterName {
				all = append(append(append(append(all, name...), between...), line...), '\n')
			}
		}
		if len(lines) > 1 {
			for _, between := range joins {
				all = append(append(all, strings.Join(lines, between)...), '\n')
			}
		}
	}
	return all
}

// coverNamed is a field without an echo that begins in its name and ends in its
// value; nil counts if it has none.
func coverNamed(set, told *redact.Set, name, line string) (to, rest string, echoes redact.Counts) {
	for _, between := range afterName {
		out, echoes := set.Name([]byte(name + between + line))
		if echoes != nil && out[len(name)] == '*' {
			told.Name([]byte(name + between + line))
			return string(out[:len(name)]), string(out[len(name)+len(between):]), echoes
		}
	}
	return name, line, nil
}

// coverJoined covers echoes that begin in one line of a field and end in another.
func coverJoined(set, told *redact.Set, lines []string) redact.Counts {
	for _, between := range joins {
		out, echoes := set.Name([]byte(strings.Join(lines, between)))
		if echoes == nil {
			continue
		}
		spans, at := false, 0
		for _, line := range lines[:max(len(lines)-1, 0)] {
			at += len(line)
			spans = spans || out[at] == '*'
			at += len(between)
		}
		if !spans {
			continue
		}
		told.Name([]byte(strings.Join(lines, between)))
		at = 0
		for i, line := range lines {
			lines[i] = string(out[at : at+len(line)])
			at += len(line) + len(between)
		}
		return echoes
	}
	return nil
}
