package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/built"
	"github.com/agentsecrets/agentsecrets/internal/probe"
)

const root = "../.."

// binary is built by TestMain: what is tested is what stands in the tree.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	built.Main(m, &binary)
}

func worldOf(t *testing.T) *world {
	t.Helper()
	w, err := newWorld(t.Context(), t.TempDir(), binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// The clients that people use most work with not a line of them changed.
func TestCoreOfClients(t *testing.T) {
	cache, err := filepath.Abs(filepath.Join(root, ".cache"))
	if err != nil {
		t.Fatal(err)
	}
	all := core(cache)
	if len(all) < 20 {
		t.Errorf("only %d pairs", len(all))
	}
	w := worldOf(t)
	versions := map[string]string{"curl": "2", "curl-http1": "1.1", "node-http2": "2", "python-httpx_async-venv": "2", "python-requests-venv": "1.1"}
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r := w.try(t.Context(), p)
			if !r.works {
				t.Errorf("it does not work: %s", r.reason)
			}
			if want := versions[p.name]; want != "" && r.proto != want {
				t.Errorf("it spoke HTTP/%s, want HTTP/%s", r.proto, want)
			}
		})
	}
}

// Whatever is wrong with a client is told.
func TestJudge(t *testing.T) {
	w := worldOf(t)
	sh := func(script string) pair {
		return pair{name: "sh", client: "sh", program: "/bin/sh", place: place{path: os.Getenv("PATH")}, argv: func(program, _, url, token string) []string {
			return []string{program, "-c", script, url, token}
		}}
	}
	for _, c := range []struct{ script, want string }{
		{`curl -sS -H "Authorization: Bearer $1" "$0"`, ""},
		{`true`, "the origin got no request"},
		{`curl -sS -H "Authorization: Bearer $1" "$0" >/dev/null`, "did not print the answer"},
		{`curl -sS -H "Authorization: Bearer other" "$0"`, "something else than the value"},
		{`curl -sS -H "Authorization: Bearer $1" "$0"; exit 3`, "exit status 3"},
		{`exit 77`, notInstalled},
	} {
		w.seen = map[string]probe.Request{}
		r := w.try(t.Context(), sh(c.script))
		if r.works != (c.want == "") || !strings.Contains(r.reason, c.want) {
			t.Errorf("%s: works %v, %q, want %q", c.script, r.works, r.reason, c.want)
		}
	}
	if r := w.try(t.Context(), pair{name: "none", lacks: "nosuch"}); r.works || r.reason != notInstalled+": nosuch" {
		t.Errorf("a program that is not there: %+v", r)
	}
	came := probe.Request{Probe: "p", Credential: w.value}
	if why := w.judge(said{stdout: marker + w.value}, nil, came); !strings.HasPrefix(why, "THE VALUE CAME BACK") {
		t.Errorf("the value on stdout: %q", why)
	}
	if why := w.judge(said{stdout: marker, stderr: w.value[8:]}, nil, came); !strings.HasPrefix(why, "THE VALUE CAME BACK") {
		t.Errorf("a part of it on stderr: %q", why)
	}
}

func TestTimeout(t *testing.T) {
	w := worldOf(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	p := pair{name: "sleep", program: "/bin/sleep", argv: func(program, _, _, _ string) []string { return []string{program, "60"} }}
	if r := w.try(ctx, p); r.works || r.took > 30*time.Second {
		t.Errorf("a client that never ends: %+v", r)
	}
}
