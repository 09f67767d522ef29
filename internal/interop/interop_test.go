package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/built"
)

// binary is what TestMain built.
var binary string

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "hold" {
		exit(holdMain(os.Stdin, os.Stdout))
	}
	built.Main(m, &binary)
}

// meets runs suites as make interop does, and sees that nothing is left behind.
func meets(t *testing.T, only ...string) {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	var out strings.Builder
	o := options{binary: binary, tools: "../../.cache/interop", known: "known.txt", only: only, cases: true}
	if err := run(t.Context(), o, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
	t.Log(strings.SplitN(out.String(), "\n\n", 2)[0])
}

// What takes a minute or less, and needs neither Debian's packages nor an old
// Python, runs with every change, as long as all of it takes three minutes.
func TestGRPC(t *testing.T)      { meets(t, "grpc") }
func TestGRPCIO(t *testing.T)    { meets(t, "grpcio") }
func TestH2spec(t *testing.T)    { meets(t, "h2spec") }
func TestHTTPX(t *testing.T)     { meets(t, "httpx") }
func TestToxiproxy(t *testing.T) { meets(t, "toxiproxy") }

func TestJudge(t *testing.T) {
	straight := map[string]string{"a": passed, "b": failed, "c": passed}
	for about, c := range map[string]struct {
		gate    gate
		through map[string]string
		known   map[string]reviewed
		faults  []string // a part of each
	}{
		"the same":                         {equal, straight, nil, nil},
		"one is worse":                     {equal, with(straight, "a", failed), nil, []string{"a: failed through us, passed straight"}},
		"one is better":                    {equal, with(straight, "b", passed), nil, []string{"b: passed through us, failed straight"}},
		"better is not worse":              {notWorse, with(straight, "b", passed), nil, nil},
		"worse is":                         {notWorse, with(straight, "c", failed), nil, []string{"c: failed"}},
		"skipped is worse":                 {notWorse, with(straight, "c", skipped), nil, []string{"c: skipped"}},
		"reviewed":                         {equal, with(straight, "a", failed), known("a", failed), nil},
		"reviewed as something else":       {equal, with(straight, "a", skipped), known("a", failed), []string{"a: skipped, and not failed"}},
		"reviewed and there no more":       {equal, straight, known("a", failed), []string{"a: is passed, take it out"}},
		"reviewed as ending in many ways":  {equal, with(straight, "a", skipped), known("a", anyVerdict), nil},
		"ending in many ways, also well":   {equal, straight, known("a", anyVerdict), []string{"a: is passed, take it out"}},
		"both fail, and it is reviewed":    {equal, straight, known("b", anyVerdict), nil},
		"reviewed, and no such case":       {equal, straight, known("x", failed), []string{"x: is among the reviewed differences and did not run"}},
		"one did not run":                  {equal, without(straight, "c"), nil, []string{"c: absent through us"}},
		"one ran that does not straight":   {equal, with(straight, "d", passed), nil, []string{"d: passed through us, absent straight", "4 cases ran, not 3"}},
		"nothing ran":                      {notWorse, nil, nil, []string{"a: absent", "c: absent", "b: absent"}},
		"there is no straight":             {alone, with(straight, "b", passed), nil, nil},
		"there is none and one fails":      {alone, straight, nil, []string{"b: failed through us"}},
		"there is none and it is reviewed": {alone, straight, known("b", failed), nil},
	} {
		r := judge(suite{cases: 3, least: 2, gate: c.gate}, results{direct: straight, through: c.through}, c.known)
		if len(r.Faults) != len(c.faults) {
			t.Errorf("%s: %q", about, r.Faults)
		}
		for _, want := range c.faults {
			if !slices.ContainsFunc(r.Faults, func(f string) bool { return strings.Contains(f, want) }) {
				t.Errorf("%s: %q lacks %q", about, r.Faults, want)
			}
		}
	}
}

func with(m map[string]string, name, verdict string) map[string]string {
	m = without(m, name)
	m[name] = verdict
	return m
}

func without(m map[string]string, name string) map[string]string {
	rest := map[string]string{}
	for k, v := range m {
		if k != name {
			rest[k] = v
		}
	}
	return rest
}

func known(name, verdict string) map[string]reviewed {
	return map[string]reviewed{name: {verdict, "a reason"}}
}

// A suite of which nothing passes straight would be equal through anything.
func TestJudgeBroken(t *testing.T) {
	none := map[string]string{"a": failed, "b": failed}
	r := judge(suite{cases: 2, least: 1, gate: equal}, results{direct: none, through: none}, nil)
	if len(r.Faults) != 1 || !strings.Contains(r.Faults[0], "0 cases pass straight") {
		t.Errorf("%q", r.Faults)
	}
	r = judge(suite{cases: 3, gate: equal}, results{direct: none, through: none}, nil)
	if len(r.Faults) != 1 || !strings.Contains(r.Faults[0], "2 cases ran, not 3") {
		t.Errorf("%q", r.Faults)
	}
	if failures([]report{r}) == nil || failures(nil) == nil {
		t.Error("no failure")
	}
}

// What a suite did before it broke off proves nothing.
func TestReportBrokenOff(t *testing.T) {
	u := suite{cases: 1, least: 1, run: func(context.Context, *stage) (results, error) {
		all := map[string]string{"a": passed}
		return results{direct: all, through: all}, errors.New("stopped half way")
	}}
	if r := (&stage{}).report(t.Context(), u, nil); len(r.Faults) != 1 || !strings.Contains(r.Faults[0], "stopped half way") {
		t.Errorf("%q", r.Faults)
	}
}

func TestReadKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.txt")
	for text, want := range map[string]string{
		"# nothing\n\n": "",
		"s | a | failed | a reason | with a bar\n": "",
		"s | a | failed\n":                         ":1: not",
		"s | a | failed | \n":                      ":1: not",
		"\ns | a | failed | x\ns|a|skipped|y\n":    ":3: a of s stands twice",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readKnown(path)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v", text, err)
		case strings.Contains(text, "bar") && got["s"]["a"] != reviewed{failed, "a reason | with a bar"}:
			t.Errorf("%q: %v", text, got)
		}
	}
	all, err := readKnown("known.txt")
	if err != nil {
		t.Fatal(err)
	}
	for suite := range all {
		if !slices.Contains(names(), suite) {
			t.Errorf("known.txt names the suite %q", suite)
		}
	}
}

func TestOptions(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "-only grpc,h2spec": true, "-json": true, "-cases": true,
		"-only grpc,nothing": false, "more": false, "-x": false,
	} {
		if _, err := parse(strings.Fields(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestReadH2spec(t *testing.T) {
	got, err := readH2spec([]byte(`<testsuites>
		<testsuite package="http2/1" name="x"><testcase package="http2/1" classname="a"></testcase>
		<testcase classname="b"><failure>why</failure></testcase><testcase classname="c"><skipped/></testcase></testsuite>
		<testsuite package="hpack/2"><testcase classname="a"><error>why</error></testcase></testsuite></testsuites>`))
	want := map[string]string{"http2/1 a": passed, "http2/1 b": failed, "http2/1 c": skipped, "hpack/2 a": failed}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := readH2spec([]byte("<testsuites>")); err == nil {
		t.Error("a report that was cut off is read")
	}
}
