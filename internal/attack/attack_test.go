//go:build linux

package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/built"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if p, ok := parts()[os.Args[1]]; ok { // the program in a run
			exit(p(os.Args[2:], os.Stdin, os.Stdout))
		}
	}
	os.Exit(m.Run())
}

// build makes the binary that is attacked.
func build(t *testing.T) string {
	t.Helper()
	binary, err := built.Agentsecrets(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func testWorld(t *testing.T, binary string) *world {
	t.Helper()
	w, err := newWorld(options{binary: binary, only: []string{"authority"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// The quick core of make attack: what goes over the wire of one run, and the
// commands of a client in it.
func TestAttack(t *testing.T) {
	w := testWorld(t, build(t))
	if err := w.setUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	quick := slices.Concat(authorityProbes(w), placeProbes(w), commandProbes(insideTable()[:8]))
	quick = append(quick, slices.DeleteFunc(originProbes(w), func(p probe) bool { return p.want == "502|reset" })...) // the bomb takes its time
	if len(quick) < 500 {
		t.Fatalf("there are %d probes only", len(quick))
	}
	for _, p := range quick {
		if v := p.judge(t.Context(), "quick", w); len(v.faults) > 0 {
			t.Errorf("%s: %s\n%s\n%s", v.name, v.seen, v.tried, strings.Join(v.faults, "\n"))
		}
	}
	if v := w.sweep(); len(v.faults) > 0 {
		t.Error(v.faults)
	}
}

// No two probes of an area are the same attempt under two names, or two under one.
func TestProbesAreDistinct(t *testing.T) {
	w := testWorld(t, "agentsecrets")
	seen := map[string]string{}
	counts := map[string]int{}
	for _, a := range areas() {
		w.options.list = true
		for _, p := range a.probes(w) {
			counts[a.name]++
			if seen[a.name+p.name] != "" {
				t.Errorf("two probes of %s are named %q", a.name, p.name)
			}
			seen[a.name+p.name] = "name"
			if p.want == "" || p.do == nil {
				t.Errorf("%s wants nothing", p.name)
			}
		}
	}
	for area, least := range map[string]int{"authority": 200, "place": 150, "flags": 60, "names": 60, "local": 60, "origin": 60} {
		if counts[area] < least {
			t.Errorf("%s has %d probes, want at least %d", area, counts[area], least)
		}
	}
}

// A verdict fails for each of the reasons that there are.
func TestVerdictsCanFail(t *testing.T) {
	w := testWorld(t, "agentsecrets")
	value := w.values["API_KEY"]
	send := func(host string) func(context.Context, *world) (answer, error) {
		return func(_ context.Context, w *world) (answer, error) {
			w.origin(host).record(&record{}).add([]byte("GET / HTTP/1.1\r\nAuthorization: " + value + "\r\n"))
			return answer{outcome: "200"}, nil
		}
	}
	answered := func(a answer) func(context.Context, *world) (answer, error) {
		return func(context.Context, *world) (answer, error) { return a, nil }
	}
	for _, c := range []struct {
		probe probe
		fault string // "" if it holds
	}{
		{probe{want: "sent", may: api, do: send(api)}, ""},
		{probe{want: "text", do: answered(answer{outcome: "204"})}, ""},
		{probe{want: "421|400", do: answered(answer{outcome: "400"})}, ""},
		{probe{want: "sent", may: api, do: answered(answer{outcome: "200"})}, "want sent"},
		{probe{want: "text", may: api, do: send(api)}, "want text"},
		{probe{want: "403", may: api, do: func(ctx context.Context, w *world) (answer, error) {
			_, err := send(api)(ctx, w)
			return answer{outcome: "403"}, err
		}}, "the value reached " + api},
		{probe{want: "any", do: send(evil)}, evil + " got the value: [verbatim]"},
		{probe{want: "sent", may: api, not: []string{"API_KEY"}, do: send(api)}, "got the value of API_KEY"},
		{probe{want: "403", do: answered(answer{outcome: "421"})}, "want 403"},
		{probe{want: "any", do: answered(answer{text: []byte("x" + value)})}, "what came back holds the value"},
		{probe{want: "any", do: func(_ context.Context, w *world) (answer, error) {
			w.errors.Write([]byte(value))
			return answer{}, nil
		}}, "standard error holds the value"},
		{probe{want: "any", do: func(_ context.Context, w *world) (answer, error) {
			return answer{}, os.WriteFile(w.path("tmp", "left"), []byte(value), 0o600)
		}}, "/tmp/left holds the value"},
		{probe{want: "421", do: func(_ context.Context, w *world) (answer, error) {
			w.origin(two).record(&record{}).add([]byte("GET / HTTP/1.1\r\n"))
			return answer{outcome: "421"}, nil
		}}, two + " got 1 requests"},
		{probe{want: "421", do: func(_ context.Context, w *world) (answer, error) {
			w.origin(two).record(&record{})
			return answer{outcome: "421"}, nil
		}}, two + " got 0 requests on 1 new"},
		{probe{want: "any", do: func(context.Context, *world) (answer, error) { return answer{}, os.ErrClosed }}, "could not be tried"},
	} {
		v := c.probe.judge(t.Context(), "test", w)
		if all := strings.Join(v.faults, "\n"); !strings.Contains(all, c.fault) || (c.fault == "") != (all == "") {
			t.Errorf("%+v: faults %q, want %q", c.probe, all, c.fault)
		}
		w.errors.text.Reset()
		os.Remove(w.path("tmp", "left"))
	}
}
