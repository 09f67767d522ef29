package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// perConn is how many streams a connection of HTTP/2 has: what the proxy lets it.
const perConn = 100

// streams follows many event streams at a time, by each protocol, straight and
// through the proxy.
func streams(ctx context.Context, k *soak) error {
	base, err := k.proxy.settled(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{http1, http2} {
		straight, err := k.follow(ctx, name, true)
		if err != nil {
			return fmt.Errorf("straight: %w", err)
		}
		through, err := k.follow(ctx, name, false)
		if err != nil {
			return err
		}
		k.judge(name, straight.took, through, base)
	}
	return k.back(ctx, "streams", base)
}

func (k *soak) judge(name string, straight []time.Duration, through followed, base reading) {
	what, want, took := fmt.Sprintf("%d streams over HTTP/1: ", k.streams), k.streams*k.events, through.took
	if name == http2 {
		what = fmt.Sprintf("%d streams over HTTP/2: ", k.streams)
	}
	k.hold("streams", what+"events that came", strconv.Itoa(len(took)), strconv.Itoa(want), len(took) == want)
	last := percentile(took, 100)
	k.hold("streams", what+"the latest event", millis(last), "at most "+millis(k.late), last <= k.late)
	k.note("streams", what+"added p50, p99", millis(percentile(took, 50)-percentile(straight, 50))+", "+millis(percentile(took, 99)-percentile(straight, 99)))
	grown := through.open.resident - base.resident
	k.hold("streams", what+"memory", fmt.Sprintf("%s, %s each", mib(grown), kib(grown/int64(k.streams))),
		k.allowed(k.flowCost), grown <= k.flowCost*int64(k.streams)+k.spare)
}

// followed is what came of streams.
type followed struct {
	took []time.Duration // of each event, from the origin's clock to ours
	open reading         // of the proxy while all were open
}

// follow opens all streams before the first event, and reads them to their end.
// What a stream lacks is missing in what is returned.
func (k *soak) follow(ctx context.Context, name string, straight bool) (f followed, err error) {
	k.origin.flow.begin(k.sizes)
	conns := k.streams
	if name == http2 {
		conns = (k.streams + perConn - 1) / perConn
	}
	clients := make([]*client, conns)
	for i := range clients {
		clients[i] = k.newClient(name, straight)
	}
	defer closeAll(clients)
	bodies, err := openStreams(ctx, clients, k.streams)
	defer closeBodies(bodies)
	if err != nil {
		return f, err
	}
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	for i, body := range bodies {
		wg.Go(func() {
			took := k.origin.flow.read(i, body)
			mu.Lock()
			defer mu.Unlock()
			f.took = append(f.took, took...)
		})
	}
	close(k.origin.flow.start)
	if wait(ctx, k.gap*time.Duration(k.events)/2) {
		f.open, err = k.proxy.look(ctx)
	}
	wg.Wait()
	return f, errors.Join(err, ctx.Err())
}

// openStreams shares n streams out among the clients. It returns when the head of
// each has come.
func openStreams(ctx context.Context, clients []*client, n int) ([]io.ReadCloser, error) {
	bodies, errs := make([]io.ReadCloser, n), make([]error, openers)
	each := (n + len(clients) - 1) / len(clients)
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for c := w; c < len(clients) && errs[w] == nil; c += openers {
				for i := c * each; i < min(n, (c+1)*each) && errs[w] == nil; i++ {
					bodies[i], errs[w] = clients[c].stream(ctx, i)
				}
			}
		})
	}
	wg.Wait()
	return bodies, errors.Join(errs...)
}

func (c *client) stream(ctx context.Context, i int) (io.ReadCloser, error) {
	resp, err := c.ask(ctx, "GET", fmt.Sprintf("/events?i=%d", i), nil, 0)
	if err != nil {
		return nil, fmt.Errorf("stream %d: %w", i, err)
	}
	return resp.Body, nil
}

func closeBodies(all []io.ReadCloser) {
	for _, b := range all {
		if b != nil {
			b.Close()
		}
	}
}

// flow is what event streams share: each sends its next event when the one before
// has arrived, so that one which is held back is noticed however slow the machine.
type flow struct {
	sizes
	start   chan struct{} // closed when all streams are open
	arrived []chan struct{}
}

// begin is for the next streams; none are open.
func (f *flow) begin(s sizes) {
	f.sizes, f.start, f.arrived = s, make(chan struct{}), make([]chan struct{}, s.streams)
	for i := range f.arrived {
		f.arrived[i] = make(chan struct{}, s.events)
	}
}

// read tells how long each event of stream i took. It ends at one that is out of turn.
func (f *flow) read(i int, body io.Reader) (took []time.Duration) {
	for lines := bufio.NewScanner(body); lines.Scan(); {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		now := time.Now()
		turn, sent, _ := strings.Cut(text, " ")
		ns, err := strconv.ParseInt(sent, 10, 64)
		if err != nil || turn != strconv.Itoa(len(took)) {
			return took
		}
		took = append(took, now.Sub(time.Unix(0, ns)))
		f.arrived[i] <- struct{}{}
	}
	return took
}
