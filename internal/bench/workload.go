package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/agentsecrets/agentsecrets/placeholder"
)

// workload is one thing that is done to each of its peers in turn.
type workload struct {
	name  string
	peers []string
	fresh bool // in a new process, with nothing released: memory is measured
	once  bool // in the first round only
	run   func(ctx context.Context, b *bench, p *peer, s *sample) (*load, error)
}

const (
	manyClients = 32
	http2Conns  = 4 // that these share, over HTTP/2
	loadTime    = 1200 * time.Millisecond
	idleConns   = 1000
	bulkBytes   = 256 << 20
	bigBytes    = 1 << 30
	eventConns  = 4
	eventCount  = 200
	startCount  = 10
)

func workloads() []workload {
	proxies := []string{nginx, goproxys, ours}
	all := append([]string{direct}, proxies...)
	return []workload{
		{name: "get", peers: proxies, run: keepAlive("GET", manyClients)},
		{name: "post", peers: proxies, run: keepAlive("POST", manyClients)},
		{name: "h2", peers: []string{nginx, ours}, run: multiplexing},
		{name: "one", peers: all, run: keepAlive("GET", 1)},
		{name: "connect", peers: proxies, run: connecting},
		{name: "events", peers: all, run: following},
		{name: "held", peers: []string{nginx, ours}, once: true, run: holding},
		{name: "redact", peers: []string{plain, ours, patterns, values}, run: relaying},
		{name: "idle", peers: proxies, fresh: true, once: true, run: idling},
		{name: "big", peers: []string{ours}, fresh: true, once: true, run: bigBody},
		{name: "start", peers: []string{ours}, run: starting},
	}
}

func names() []string {
	var all []string
	for _, w := range workloads() {
		all = append(all, w.name)
	}
	return all
}

func placeholderOf(h *home) string { return placeholder.For(h.names[0]) }

// echo is a request whose credential comes back.
func (b *bench) echo(method string, p *peer) []byte {
	body := ""
	if method == "POST" {
		body = document()
	}
	return b.request(method, "/echo", "Bearer "+p.key, body)
}

// timed measures the CPU time of p's process while f runs.
func timed(p *peer, s *sample, f func() (*load, error)) (*load, error) {
	if p.proc == nil {
		return f()
	}
	before, err := used(p.proc)
	if err != nil {
		return nil, err
	}
	l, errLoad := f()
	after, err := used(p.proc)
	if errLoad != nil || err != nil {
		return nil, fmt.Errorf("%w%w", errLoad, err)
	}
	s.CPU = after.cpu - before.cpu
	return l, nil
}

func keepAlive(method string, conns int) func(context.Context, *bench, *peer, *sample) (*load, error) {
	return func(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
		req := b.echo(method, p)
		if l, err := p.keepAlive(ctx, req, conns, b.loadTime/8); err != nil || l.failed > 0 {
			return l, err
		}
		return timed(p, s, func() (*load, error) { return p.keepAlive(ctx, req, conns, b.loadTime) })
	}
}

func multiplexing(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
	run := func(d time.Duration) *load {
		return p.overHTTP2(ctx, "https://"+b.authority()+"/echo", "Bearer "+p.key, http2Conns, manyClients/http2Conns, d)
	}
	if l := run(b.loadTime / 8); l.failed > 0 {
		return l, nil
	}
	return timed(p, s, func() (*load, error) { return run(b.loadTime), nil })
}

func connecting(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
	req := b.echo("GET", p)
	if l, err := p.connecting(ctx, req, 8, b.loadTime/8); err != nil || l.failed > 0 {
		return l, err
	}
	return timed(p, s, func() (*load, error) { return p.connecting(ctx, req, 8, b.loadTime) })
}

func following(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
	req := b.request("GET", fmt.Sprintf("/events?n=%d", eventCount), "Bearer "+p.key, "")
	return timed(p, s, func() (*load, error) { return p.events(ctx, req, eventConns, eventCount) })
}

func holding(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
	n, err := p.held(ctx, b.request("GET", "/held", "Bearer "+p.key, ""))
	s.Bytes = int64(n)
	return &load{ops: 1}, err
}

// relaying gives CPU per byte: one operation is one byte.
func relaying(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
	req := func(n int) []byte { return b.request("GET", fmt.Sprintf("/bulk?n=%d", n), "", "") }
	if l, err := p.bulk(ctx, req(8<<20), 8<<20); err != nil || l.failed > 0 {
		return l, err
	}
	return timed(p, s, func() (*load, error) { return p.bulk(ctx, req(bulkBytes), bulkBytes) })
}

// idling notes what each connection adds to the memory, after one exchange.
func idling(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
	req := b.echo("GET", p)
	first, err := p.open(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer closeAll(first)
	if err := first[0].exchange(req, p.want, make([]byte, answerLen)); err != nil {
		return nil, err
	}
	before, err := used(p.proc)
	if err != nil {
		return nil, err
	}
	open, err := p.open(ctx, idleConns)
	if err != nil {
		return nil, err
	}
	defer closeAll(open)
	l := &load{}
	for _, c := range open {
		if err := c.exchange(req, p.want, make([]byte, answerLen)); err != nil {
			l.add(nil, 0, err)
			return l, nil
		}
		l.add(nil, 1, nil)
	}
	time.Sleep(time.Second) // what is freed is given back by then
	after, err := used(p.proc)
	s.Bytes = (after.resident - before.resident) / idleConns
	return l, err
}

// bigBody notes the most memory that the process ever had, also while values
// were released.
func bigBody(ctx context.Context, b *bench, p *peer, s *sample) (*load, error) {
	if err := b.home.release(ctx, p); err != nil {
		return nil, err
	}
	l, err := timed(p, s, func() (*load, error) {
		return p.bulk(ctx, b.request("GET", fmt.Sprintf("/bulk?n=%d", bigBytes), "", ""), bigBytes)
	})
	if err != nil {
		return l, err
	}
	u, err := used(p.proc)
	s.Bytes = u.peak
	return l, err
}

// starting runs a program that does nothing, as often as is told.
func starting(ctx context.Context, b *bench, _ *peer, s *sample) (*load, error) {
	args := b.home.command("true")
	return clients(1, func(_ int, l *load) {
		for range startCount {
			cmd := exec.CommandContext(ctx, args[0], args[1:]...)
			cmd.Dir, cmd.Env = b.home.path("project"), b.home.environ
			t := time.Now()
			out, err := cmd.CombinedOutput()
			if err != nil {
				l.add(nil, 0, fmt.Errorf("%w: %s", err, out))
				return
			}
			l.add([]time.Duration{time.Since(t)}, 1, nil)
			s.CPU += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
	}), nil
}
