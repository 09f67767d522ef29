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
)

const (
	root = "../.."
	page = root + "/docs/python-sdk.md"
)

// binary is built by TestMain: what is tested is what stands in the tree.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	built.Main(m, &binary)
}

var only = flag.String("rows", "", "run only these modules of rows")

// Every row of the SDK, with the oldest Python that it is for and a new one; and the
// page says what they say.
func TestSDK(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, python := range []string{"3.10", "3.13"} {
		t.Run(python, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			r, err := options{binary: binary, sdk: root + "/.cache/sdk", pythons: []string{python}, modules: strings.Fields(*only)}.report(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.err(); err != nil {
				t.Error(err)
			}
			if r.part {
				return
			}
			want, err := inPage(string(text), r.table())
			if err != nil {
				t.Fatal(err)
			}
			if want != string(text) {
				t.Errorf("%s says something else than the rows: make sdk-compat SDK='-write docs/python-sdk.md'", page)
			}
		})
	}
}

// A row that is not as it should be fails, whichever way it is wrong.
func TestRowsCanFail(t *testing.T) {
	w, err := newWorld(t.Context(), t.TempDir(), binary, filepath.Join(mustAbs(t, root), ".cache/sdk/3.13/bin/python"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	b, err := os.ReadFile("testdata/control.py")
	if err == nil {
		err = os.WriteFile(w.path("python", "main.py"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.rows(t.Context(), nil, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	held := found[len(found)-1]
	if held.OK || held.Evidence != "the value of PAY_KEY came back" {
		t.Errorf("a value came back unseen: %+v", held)
	}
	for _, r := range found[:len(found)-1] {
		if r.OK != strings.HasPrefix(r.Name, "good") {
			t.Errorf("%s: %v, %s", r.Name, r.OK, r.Evidence)
		}
	}
	if len(found) != 8 {
		t.Errorf("%d rows", len(found))
	}
	if err := (&report{pythons: []string{"3.13"}, rows: map[string][]row{"3.13": found}}).err(); err == nil ||
		!strings.Contains(err.Error(), "only 8 rows") || !strings.Contains(err.Error(), "a row that fails") {
		t.Errorf("the report says %v", err)
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func TestPage(t *testing.T) {
	if _, err := inPage("no place", "rows"); err == nil {
		t.Error("rows went nowhere")
	}
	if got, err := inPage("a\n"+tableBegins+"old\n"+tableEnds+"z\n", "new\n"); err != nil || got != "a\n"+tableBegins+"new\n"+tableEnds+"z\n" {
		t.Errorf("%q, %v", got, err)
	}
}
