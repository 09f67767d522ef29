package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/threats"
)

const pkg = "github.com/agentsecrets/agentsecrets/mitm"

func TestReport(t *testing.T) {
	rows := []threats.Row{{ID: "D1", Attack: "a"}, {ID: "S1", Attack: "b", Later: "not built"}}
	for name, c := range map[string]struct {
		results []result
		bad     int
		says    string
	}{
		"passes":            {[]result{{"TestD1A", pkg, "pass"}, {"FuzzD1B", pkg, "pass"}}, 0, "1 passed, 0 failed, 1 later"},
		"a script passes":   {[]result{{"TestScripts/D1_a", pkg, "pass"}}, 0, "D1   mitm TestScripts/D1_a  pass"},
		"none":              {nil, 1, "no test"},
		"none of its own":   {[]result{{"TestScripts", pkg, "pass"}, {"TestD12A", pkg, "pass"}}, 1, "no test"},
		"one fails":         {[]result{{"TestD1A", pkg, "pass"}, {"TestD1B", pkg, "fail"}}, 1, "0 passed, 1 failed"},
		"one is skipped":    {[]result{{"TestD1A", pkg, "skip"}}, 1, "skip"},
		"a later one fails": {[]result{{"TestD1A", pkg, "pass"}, {"TestS1A", pkg, "fail"}}, 1, "1 passed, 1 failed"},
	} {
		var out bytes.Buffer
		if bad := report(&out, rows, c.results); bad != c.bad || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %d rows do not hold, want %d, and %q in:\n%s", name, bad, c.bad, c.says, &out)
		}
	}
}

func TestReadEvents(t *testing.T) {
	const events = `{"Action":"output","Package":"p","Test":"TestD1A","Output":"it broke\n"}
{"Action":"output","Package":"p","Test":"TestD1B","Output":"all is well\n"}
{"Action":"pass","Package":"p","Test":"TestD1A/sub"}
{"Action":"fail","Package":"p","Test":"TestD1A"}
{"Action":"pass","Package":"p","Test":"TestD1B"}
{"Action":"skip","Package":"p","Test":"TestScripts/L9_seal"}
`
	var out bytes.Buffer
	results, err := read(strings.NewReader(events), &out)
	want := []result{{"TestD1A", "p", "fail"}, {"TestD1B", "p", "pass"}, {"TestScripts/L9_seal", "p", "skip"}}
	if err != nil || len(results) != len(want) {
		t.Fatalf("%v, %v", results, err)
	}
	for i := range want {
		if results[i] != want[i] {
			t.Errorf("%v, want %v", results[i], want[i])
		}
	}
	if out.String() != "it broke\n" {
		t.Errorf("told of %q", &out)
	}
	if _, err := read(strings.NewReader("not JSON"), io.Discard); err == nil {
		t.Error("took what is no event")
	}
}
