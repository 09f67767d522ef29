package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is what some clients did to one peer.
type load struct {
	mu     sync.Mutex
	ops    int64 // exchanges, connections, events or bytes that were right
	failed int64
	first  error // of what failed
	took   []time.Duration
	wall   time.Duration
}

func (l *load) add(took []time.Duration, ops int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, took...)
	l.ops += ops
	if err != nil {
		l.failed++
		if l.first == nil {
			l.first = err
		}
	}
}

// p50 is the median of what single operations took.
func (l *load) p50() time.Duration { return median(l.took) }

func median[T ~int64 | ~float64](all []T) T {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}

// request is HTTP/1.1 as a client of an API writes it.
func (b *bench) request(method, target, authorization, body string) []byte {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n", method, target, b.authority())
	if authorization != "" {
		fmt.Fprintf(&s, "Authorization: %s\r\n", authorization)
	}
	if method == "POST" {
		fmt.Fprintf(&s, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	s.WriteString("\r\n" + body)
	return []byte(s.String())
}

// document is a JSON body of 1 KiB without a placeholder.
func document() string {
	const open, end = `{"model":"m","input":"`, `"}`
	return open + strings.Repeat("words ", 200)[:answerLen-len(open)-len(end)] + end
}

// keepAlive has conns clients exchange one after another for as long as it is told.
func (p *peer) keepAlive(ctx context.Context, req []byte, conns int, d time.Duration) (*load, error) {
	open, err := p.open(ctx, conns)
	if err != nil {
		return nil, err
	}
	defer closeAll(open)
	return clients(conns, func(i int, l *load) {
		buf := make([]byte, answerLen)
		var took []time.Duration
		for end := time.Now().Add(d); ctx.Err() == nil; {
			t := time.Now()
			if t.After(end) {
				break
			}
			if err := open[i].exchange(req, p.want, buf); err != nil {
				l.add(took, int64(len(took)), err)
				return
			}
			took = append(took, time.Since(t))
		}
		l.add(took, int64(len(took)), nil)
	}), nil
}

// connecting has conns clients open a connection for each exchange.
func (p *peer) connecting(ctx context.Context, req []byte, conns int, d time.Duration) (*load, error) {
	return clients(conns, func(_ int, l *load) {
		buf := make([]byte, answerLen)
		for end := time.Now().Add(d); ctx.Err() == nil && time.Now().Before(end); {
			t := time.Now()
			c, err := p.dial.dial(ctx)
			if err == nil {
				err = c.exchange(req, p.want, buf)
				c.Close()
			}
			if err != nil {
				l.add(nil, 0, err)
				return
			}
			l.add([]time.Duration{time.Since(t)}, 1, nil)
		}
	}), nil
}

// clients runs one func for each of n clients.
func clients(n int, each func(i int, l *load)) *load {
	l := &load{}
	start := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { each(i, l) })
	}
	wg.Wait()
	l.wall = time.Since(start)
	return l
}

// open dials n connections, some at a time.
func (p *peer) open(ctx context.Context, n int) ([]*conn, error) {
	open := make([]*conn, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range open {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			open[i], errs[i] = p.dial.dial(ctx)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		closeAll(open)
		return nil, fmt.Errorf("open %d connections: %w", n, errors.Join(errs[:min(n, 3)]...))
	}
	return open, nil
}

func closeAll(open []*conn) {
	for _, c := range open {
		if c != nil {
			c.Close()
		}
	}
}

// bulk reads a body of n bytes and compares it with what the origin sends.
func (p *peer) bulk(ctx context.Context, req []byte, n int64) (*load, error) {
	c, err := p.dial.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return clients(1, func(_ int, l *load) {
		got, err := c.fetch(req, n)
		l.add(nil, got, err)
	}), nil
}

func (c *conn) fetch(req []byte, n int64) (int64, error) {
	if _, err := c.Write(req); err != nil {
		return 0, err
	}
	length, err := c.head()
	if err != nil {
		return 0, err
	}
	src, want, buf := &body{c: c, left: length}, text(), make([]byte, 64<<10)
	var got int64
	for got < n {
		k, err := src.Read(buf)
		at := got % int64(len(want))
		if m := min(k, len(want)-int(at)); !bytes.Equal(buf[:m], want[at:][:m]) || !bytes.Equal(buf[m:k], want[:k-m]) {
			return got, fmt.Errorf("%w: it differs near byte %d", errWrong, got)
		}
		got += int64(k)
		if err != nil {
			return got, fmt.Errorf("%w: %d of %d bytes: %w", errWrong, got, n, err)
		}
	}
	return got, src.end()
}

// events notes how long each of n events took from the origin's clock to ours.
func (p *peer) events(ctx context.Context, req []byte, conns, n int) (*load, error) {
	open, err := p.open(ctx, conns)
	if err != nil {
		return nil, err
	}
	defer closeAll(open)
	return clients(conns, func(i int, l *load) {
		took, err := open[i].follow(req)
		if err == nil && len(took) != n {
			err = fmt.Errorf("%w: %d of %d events", errWrong, len(took), n)
		}
		l.add(took, int64(len(took)), err)
	}), nil
}

func (c *conn) follow(req []byte) (took []time.Duration, err error) {
	if _, err := c.Write(req); err != nil {
		return nil, err
	}
	length, err := c.head()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(&body{c: c, left: length})
	for lines.Scan() {
		now := time.Now()
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			sent, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return took, fmt.Errorf("%w: %w", errWrong, err)
			}
			took = append(took, now.Sub(time.Unix(0, sent)))
		}
	}
	return took, lines.Err()
}

// held is how much of an event does not come while the stream is silent behind it.
func (p *peer) held(ctx context.Context, req []byte) (int, error) {
	c, err := p.dial.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := c.Write(req); err != nil {
		return 0, err
	}
	length, err := c.head()
	if err != nil {
		return 0, err
	}
	_ = c.SetReadDeadline(time.Now().Add(heldWait))
	buf := make([]byte, len(heldEvent))
	n, err := io.ReadFull(&body{c: c, left: length}, buf)
	if string(buf[:n]) != heldEvent[:n] {
		return 0, fmt.Errorf("%w: it begins %q", errWrong, buf[:n])
	}
	if late := new(timeoutError); err != nil && !errors.As(err, late) {
		return 0, err
	}
	return len(heldEvent) - n, nil
}

// heldWait is over only where something is held back.
const heldWait = 3 * time.Second

type timeoutError interface {
	error
	Timeout() bool
}
