package main

import (
	"crypto/x509"
	"flag"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

var seedFlag = flag.Uint64("seed", 0, "of the values and texts; 0: a new one")

// newSeed is told, so that a failure can be repeated.
func newSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	return seed
}

// world is an origin, and what is planted by it.
type world struct {
	seed   uint64
	kinds  []kind
	forms  []encoded
	origin *origin
}

func newWorld(t *testing.T, kinds func(r *rand.Rand) []kind) *world {
	t.Helper()
	w := &world{seed: newSeed(t)}
	r := rand.New(rand.NewPCG(w.seed, 0))
	w.kinds = kinds(r)
	var err error
	if w.forms, err = encodings(t.Context(), r, w.kinds); err != nil {
		t.Fatal(err)
	}
	root, err := ca.NewEphemeral(ca.Config{})
	if err == nil {
		w.origin, err = startOrigin(root, "matrix.test", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.origin.close)
	w.origin.values = w.kinds
	return w
}

func (w *world) target() *target { return newTarget(w.origin, w.kinds) }

// ours is a lab's proxy as a target, with the values released.
func (w *world) ours(t *testing.T) *target {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.origin.root.PEM())
	cfg := lab.Config{Secrets: map[string]string{}, Change: func(c *mitm.Config) { c.Roots = func(string) *x509.CertPool { return roots } }}
	to := w.target()
	for _, authority := range to.hosts {
		cfg.Allow = append(cfg.Allow, authority)
	}
	for _, k := range w.kinds {
		cfg.Secrets[k.secret()] = k.value
	}
	l := lab.New(t, cfg)
	var err error
	if to.url, err = url.Parse(l.Run.URL(l.Addr)); err != nil {
		t.Fatal(err)
	}
	to.roots = l.Roots
	if err := releaseAll(t.Context(), to, w.kinds); err != nil {
		t.Fatal(err)
	}
	return to
}

// play runs a matrix.
func (w *world) play(t *testing.T, to *target, m *matrix) *report {
	t.Helper()
	w.origin.cells = m.cells
	return &report{seed: w.seed, results: run(t.Context(), to, m.cells, newChecker(w.forms)), excluded: m.excluded, shown: 40}
}

func always(string) bool { return true }

// Of each encoder and place one cell, of at least 500.
func TestNothingComesBack(t *testing.T) {
	w := newWorld(t, madeUp)
	m := w.sample()
	r := w.play(t, w.ours(t), m)
	if n := len(r.counted()); n < 500 {
		t.Errorf("only %d cells count", n)
	}
	if err := r.err(); err != nil {
		var b strings.Builder
		r.write(&b)
		t.Errorf("%v\n%s", err, b.String())
	}
}

func (w *world) sample() *matrix {
	return newMatrix(w.seed, w.forms, always).sample(rand.New(rand.NewPCG(w.seed, 1)))
}

// What takes nothing out fails nearly every cell that counts: by leaks, but for
// reasons, which ReverseProxy has none of.
func TestControlFails(t *testing.T) {
	w := newWorld(t, madeUp)
	m := w.sample()
	g := &stage{origin: w.origin, target: w.target()}
	t.Cleanup(g.close)
	if err := g.startControl(w.kinds); err != nil {
		t.Fatal(err)
	}
	if err := releaseAll(t.Context(), g.target, w.kinds); err != nil {
		t.Fatal(err)
	}
	r := w.play(t, g.target, m)
	failed, leaks, all := len(r.failed()), len(r.leaks()), len(r.counted())
	reasons := len(r.those(func(x result) bool { return x.known == "" && x.place.name == "reason" }))
	t.Logf("of %d cells %d fail, %d leak", all, failed, leaks)
	if all < 500 || failed < all*95/100 || leaks < (all-reasons)*95/100 {
		t.Errorf("of %d cells only %d fail, and %d leak, through a proxy that takes nothing out", all, failed, leaks)
	}
}

// The same seed makes the same cells, and another makes others.
func TestSeed(t *testing.T) {
	seed := newSeed(t)
	var first []string
	for i, s := range []uint64{seed, seed, seed + 1} {
		r := rand.New(rand.NewPCG(s, 0))
		list, err := encodings(t.Context(), r, madeUp(r))
		if err != nil {
			t.Fatal(err)
		}
		m := newMatrix(s, list, always)
		m.only("json.dumps | ")
		var got []string
		for _, c := range m.cells {
			got = append(got, c.name()+c.planted())
		}
		switch {
		case i == 0:
			first = got
		case i == 1 && !slices.Equal(got, first):
			t.Error("the same seed makes other cells")
		case i == 2 && slices.Equal(got, first):
			t.Error("another seed makes the same cells")
		}
	}
}

// The matrix has what it promises: enough of everything, and nothing twice.
func TestMatrixIsWide(t *testing.T) {
	w := newWorld(t, madeUp)
	m := newMatrix(w.seed, w.forms, always)
	names, kinds, places, seen := map[string]bool{}, map[string]bool{}, map[string]int{}, map[string]bool{}
	counted := 0
	for _, c := range m.cells {
		if c.known != "" {
			continue
		}
		counted++
		names[c.encoded.name], kinds[c.kind.name] = true, true
		places[c.place.name+" "+c.protocol]++
		key := strings.Join([]string{c.place.name, c.protocol, c.coding, c.chunks, string(c.text)}, "|")
		if seen[key] {
			t.Errorf("%s is there twice", c.name())
		}
		seen[key] = true
	}
	t.Logf("%d cells count, of %d encoders; %v", counted, len(names), places)
	if counted < 1200 || len(names) < 40 || len(kinds) != 5 || len(places) != 2*13-3 {
		t.Errorf("%d cells of %d encoders, %d kinds, %d places", counted, len(names), len(kinds), len(places))
	}
	if m = newMatrix(w.seed, w.forms, func(p string) bool { return p == http1 }); m.excluded[http2v+": "+notProtocol] == 0 {
		t.Error("what the proxy does not speak is run")
	}
}

// The published list is the one that the matrix goes by.
func TestResidualListIsPublished(t *testing.T) {
	text, err := os.ReadFile("../../docs/redaction.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Not found\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var published []string
	for _, m := range regexp.MustCompile(`(?m)^\| `+"`([^`]+)`"+` \|`).FindAllStringSubmatch(section, -1) {
		published = append(published, m[1])
	}
	if want := residuals(); !slices.Equal(published, want) {
		t.Errorf("docs/redaction.md lists\n%q, the matrix\n%q", published, want)
	}
	w := newWorld(t, madeUp)
	borne := map[string]bool{}
	for _, c := range newMatrix(w.seed, w.forms, always).cells {
		borne[c.known] = true
	}
	for _, name := range residuals() {
		if !borne[name] {
			t.Errorf("no cell is of %q", name)
		}
	}
}
