package main

import (
	"os"
	"strings"
	"testing"
)

// The page says what the list says, and the list names no miss without a reason.
func TestPage(t *testing.T) {
	list, page := read(t, "results.txt"), read(t, root+"/docs/clients.md")
	known, err := readKnown(knownText)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := table(list, known)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := inPage(page, rows); err != nil || want != page {
		t.Errorf("docs/clients.md says something else than results.txt (%v): make clients CLIENTS='-write docs/clients.md'", err)
	}
	all, works := 0, strings.Count(list, " | works\n")
	for line := range strings.Lines(list) {
		name, _, _ := strings.Cut(line, " | ")
		if strings.HasPrefix(line, "#") {
			continue
		}
		all++
		if strings.HasSuffix(line, " | misses\n") != (known[name] != "") {
			t.Errorf("known.txt and results.txt do not agree on %s", name)
		}
		delete(known, name)
	}
	if len(known) > 0 {
		t.Errorf("known.txt names what is no pair: %v", known)
	}
	if all < leastPairs || works < leastWorks {
		t.Errorf("%d pairs, %d work", all, works)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A set that is not as it was fails, whichever way it is wrong.
func TestReportFails(t *testing.T) {
	many := func(n int) []result {
		var all []result
		for range n {
			all = append(all, result{pair: pair{name: "good"}, works: true})
		}
		return all
	}
	miss := result{pair: pair{name: "bad"}, reason: "no"}
	for _, c := range []struct {
		what    string
		results []result
		known   map[string]string
		want    string
	}{
		{"all is well", append(many(leastPairs), miss), map[string]string{"bad": "why"}, ""},
		{"a miss that nobody knows", append(many(leastPairs), miss), nil, "bad does not work: no"},
		{"a known miss that works", many(leastPairs), map[string]string{"good": "why"}, "take it out"},
		{"a known miss that is no pair", many(leastPairs), map[string]string{"gone": "why"}, "no pair"},
		{"a set that shrank", many(leastPairs - 1), nil, "at least 153"},
		{"too few that work", append(many(leastWorks-1), make([]result, 20)...), map[string]string{"": "why"}, "at least 153 and 141"},
		{"a client that is not there", append(many(leastPairs), result{pair: pair{name: "bad"}, reason: notInstalled}), map[string]string{"bad": "why"}, "make clients installs it"},
	} {
		err := (&report{results: c.results, known: c.known}).err()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestKnown(t *testing.T) {
	if known, err := readKnown("# head\n\na | why | so\n"); err != nil || known["a"] != "why | so" || len(known) != 1 {
		t.Errorf("%v, %v", known, err)
	}
	for _, bad := range []string{"a", "a | ", " | why", "a | why\na | why"} {
		if _, err := readKnown(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTableNamesReasons(t *testing.T) {
	if _, err := table("a | A | 1 |  | 2 | misses\n", nil); err == nil {
		t.Error("a miss without a reason is shown")
	}
	got, err := table("a | A | 1 |  | 2 | misses\nb | B | 1 | R | 2 | works\n", map[string]string{"a": "why"})
	if err != nil || !strings.Contains(got, "| A | 1 |  | why |\n") || !strings.Contains(got, "| B | 1 | R | HTTP/2 |\n") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := inPage("no place", "rows"); err == nil {
		t.Error("rows went nowhere")
	}
}
