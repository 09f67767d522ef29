package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

// bench is one run: an origin, peers, and what was measured.
type bench struct {
	options
	dir        string // holds all files, and goes at the end
	program    string // to measure; absolute
	self       string // this program
	origin     *held.Process
	originAddr string
	originCA   string // file of its root
	home       *home
	peers      map[string]*peer
	absent     []string // peers that cannot be had, and why
	machine    machine
	samples    []sample
}

// peer is one way to the origin.
type peer struct {
	name  string
	proc  *held.Process // nil: none is in between
	dial  *dialer
	key   string // what stands for the credential in requests
	want  []byte // what an echo of it comes back as
	start func(context.Context) (*held.Process, hello, error)
	load  func(context.Context, *peer) error // what is done before it is measured; nil: nothing
}

// The peers' names, as tables have them.
const (
	direct   = "direct"
	nginx    = "nginx"
	goproxys = "goproxy"
	ours     = "agentsecrets"
	plain    = "agentsecrets, nothing released"
	patterns = "agentsecrets, 10,000 patterns"
	values   = "agentsecrets, 10,000 values"
)

// How many secrets are released for redaction. Each value is looked for in about
// a dozen forms, a pattern each; a line of a longer value counts as one.
const (
	keptSecrets  = 100
	patternLines = 840 // of one secret: about 10,000 patterns
	valueSecrets = 10  // of 1,000 lines each
)

func setUp(ctx context.Context, o options) (_ *bench, err error) {
	b := &bench{options: o, peers: map[string]*peer{}, machine: thisMachine()}
	defer func() {
		if err != nil {
			b.tearDown()
		}
	}()
	if b.program, err = filepath.Abs(o.binary); err != nil {
		return nil, err
	}
	if _, err := os.Stat(b.program); err != nil {
		return nil, fmt.Errorf("find the program to measure: %w (make build makes it)", err)
	}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "agentsecrets-bench-"); err != nil {
		return nil, err
	}
	said, err := b.startOrigin(ctx)
	if err != nil {
		return nil, err
	}
	if b.home, err = b.newHome(ctx, "home", keptSecrets, 1); err != nil {
		return nil, err
	}
	return b, b.addPeers(ctx, said)
}

func (b *bench) startOrigin(ctx context.Context) (said hello, err error) {
	if b.origin, said, err = start(ctx, b.dir, os.Environ(), b.self, "origin"); err != nil {
		b.origin = nil
		return said, err
	}
	if b.originAddr, err = originURL(said); err != nil {
		return said, err
	}
	b.originCA = filepath.Join(b.dir, "origin-ca.pem")
	return said, os.WriteFile(b.originCA, []byte(said.CA), 0o600)
}

// addPeers starts what the chosen workloads need.
func (b *bench) addPeers(ctx context.Context, origin hello) error {
	value := b.home.values[0]
	release := func(h *home) func(context.Context, *peer) error {
		return func(ctx context.Context, p *peer) error { return h.release(ctx, p) }
	}
	list := []*peer{
		{name: direct, key: value, start: func(context.Context) (*held.Process, hello, error) { return nil, origin, nil }},
		{name: nginx, key: value, start: b.startNginx},
		{name: goproxys, key: value, start: b.startGoproxy},
		{name: ours, key: placeholderOf(b.home), start: b.home.start, load: release(b.home)},
		{name: plain, key: "", start: b.home.start},
	}
	for _, more := range []struct {
		name           string
		secrets, lines int
	}{{patterns, 1, patternLines}, {values, valueSecrets, 1000}} {
		if !b.needs(more.name) {
			continue
		}
		h, err := b.newHome(ctx, fmt.Sprintf("home-%d", more.secrets), more.secrets, more.lines)
		if err != nil {
			return err
		}
		list = append(list, &peer{name: more.name, start: h.start, load: release(h)})
	}
	for _, p := range list {
		if err := b.add(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// add starts p. Other people's programs may be missing: then the report says so.
func (b *bench) add(ctx context.Context, p *peer) error {
	if !b.needs(p.name) {
		return nil
	}
	echoed := b.home.values[0]
	if p.key != "" && p.key != echoed {
		echoed = redacted(echoed)
	}
	p.want = answer("Bearer " + echoed)
	err := b.restart(ctx, p)
	if err != nil && (p.name == nginx || p.name == goproxys) {
		b.absent = append(b.absent, fmt.Sprintf("%s: %v", p.name, err))
		return nil
	}
	b.peers[p.name] = p
	if err != nil || p.load == nil {
		return err
	}
	return p.load(ctx, p)
}

// restart gives p a new process, to which nothing has been released.
func (b *bench) restart(ctx context.Context, p *peer) error {
	p.proc.Stop()
	proc, said, err := p.start(ctx)
	p.proc = proc
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.dial, err = newDialer(said, b.authority())
	return err
}

// authority is how requests name the origin.
func (b *bench) authority() string { return host + b.originAddr[len("127.0.0.1"):] }

func (b *bench) needs(name string) bool {
	return slices.ContainsFunc(b.workloads(), func(w workload) bool { return slices.Contains(w.peers, name) })
}

// workloads are those that were asked for.
func (b *bench) workloads() []workload {
	return slices.DeleteFunc(workloads(), func(w workload) bool { return !slices.Contains(b.only, w.name) })
}

func (b *bench) tearDown() {
	for _, p := range b.peers {
		p.proc.Stop()
	}
	b.origin.Stop()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// measure visits all peers in turn with one workload before the next, in another
// order each round: what else the machine does then meets all of them.
func (b *bench) measure(ctx context.Context) error {
	for round := range b.rounds {
		for _, w := range b.workloads() {
			if w.once && round < b.rounds-1 {
				continue // last, since it leaves new processes behind
			}
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, b.rounds, w.name)
			for i := range w.peers {
				p, ok := b.peers[w.peers[(i+round)%len(w.peers)]]
				if !ok {
					continue
				}
				s, err := b.sample(ctx, w, p)
				if ctx.Err() != nil {
					return errors.New("interrupted")
				}
				if err != nil {
					return fmt.Errorf("%s of %s: %w", w.name, p.name, err)
				}
				b.samples = append(b.samples, s)
			}
		}
	}
	return nil
}

// sample is what one workload did with one peer in one round.
type sample struct {
	Workload string        `json:"workload"`
	Peer     string        `json:"peer"`
	Ops      int64         `json:"ops"`
	Failed   int64         `json:"failed"`
	First    string        `json:"first_failure,omitempty"`
	CPU      time.Duration `json:"cpu_ns"` // of the peer's process
	Wall     time.Duration `json:"wall_ns"`
	P50      time.Duration `json:"p50_ns"`
	Bytes    int64         `json:"bytes"` // memory, or bytes held
}

func (b *bench) sample(ctx context.Context, w workload, p *peer) (sample, error) {
	if w.fresh {
		if err := b.restart(ctx, p); err != nil {
			return sample{}, err
		}
	}
	s := sample{Workload: w.name, Peer: p.name}
	var l *load
	err := b.profiled(ctx, w.name, p, func() (err error) {
		l, err = w.run(ctx, b, p, &s)
		return err
	})
	if err != nil {
		return s, err
	}
	s.Ops, s.Failed, s.Wall, s.P50 = l.ops, l.failed, l.wall, l.p50()
	if l.first != nil {
		s.First = l.first.Error()
	}
	return s, nil
}

// failures is an error if any exchange was not what it has to be.
func (b *bench) failures() error {
	var errs []error
	for _, s := range b.samples {
		switch {
		case s.Failed > 0:
			errs = append(errs, fmt.Errorf("%s of %s: %d failed, first: %s", s.Workload, s.Peer, s.Failed, s.First))
		case s.Ops == 0:
			errs = append(errs, fmt.Errorf("%s of %s: nothing was done", s.Workload, s.Peer))
		}
	}
	return errors.Join(errs...)
}
