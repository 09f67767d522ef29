package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	openers  = 16               // clients that open connections at a time
	stale    = 15 * time.Second // after which a connection is used again while others open: idle for a minute, it is closed
	oldOnes  = 8                // connections from before the idle ones
	oldAsked = 100              // exchanges on each
)

// idle has many connections wait, each after an exchange, and looks how old ones
// are answered meanwhile.
func idle(ctx context.Context, k *soak) error {
	base, err := k.proxy.settled(ctx)
	if err != nil {
		return err
	}
	k.hold("idle", "open files that it may have, started with "+strconv.Itoa(fewFiles), strconv.Itoa(base.most),
		fmt.Sprintf("over %d", fewFiles+k.idle), base.most > fewFiles+k.idle)
	old, err := k.open(ctx, nil, oldOnes)
	if err != nil {
		return err
	}
	defer closeAll(old)
	alone, err := askAll(ctx, old, oldAsked)
	if err != nil {
		return err
	}
	before, err := k.proxy.settled(ctx)
	if err != nil {
		return err
	}
	many, err := k.open(ctx, old, k.idle)
	defer closeAll(many)
	if err != nil {
		return err
	}
	if err := k.crowded(ctx, old, before, percentile(alone, 99)); err != nil {
		return err
	}
	again, err := askAll(ctx, many, 1)
	k.hold("idle", "idle connections that are answered again", strconv.Itoa(len(again)), strconv.Itoa(k.idle), len(again) == k.idle)
	if err != nil {
		return err
	}
	k.note("idle", "exchange on each of them: p99", millis(percentile(again, 99)))
	closeAll(old)
	closeAll(many)
	return k.back(ctx, "idle", base)
}

// crowded looks at what the proxy has while many are idle, and at how old
// connections are answered.
func (k *soak) crowded(ctx context.Context, old []*client, before reading, alone time.Duration) error {
	wait(ctx, time.Second) // what is freed is given back by then
	r, err := k.proxy.look(ctx)
	if err != nil {
		return err
	}
	grown := r.resident - before.resident
	k.hold("idle", fmt.Sprintf("%d idle connections: memory", k.idle), fmt.Sprintf("%s, %s each", mib(grown), kib(grown/int64(k.idle))),
		k.allowed(k.idleCost), grown <= k.idleCost*int64(k.idle)+k.spare)
	k.note("idle", "descriptors and goroutines, for each", fmt.Sprintf("%.2f and %.2f", per(r.files-before.files, k.idle), per(r.goroutines-before.goroutines, k.idle)))
	took, err := askAll(ctx, old, oldAsked)
	if err != nil {
		return err
	}
	p99, most := percentile(took, 99), 2*alone+k.slower
	k.hold("idle", "exchange on an old connection: p99", fmt.Sprintf("%s, alone %s", millis(p99), millis(alone)), "at most "+millis(most), p99 <= most)
	return nil
}

func per(n, of int) float64 { return float64(n) / float64(of) }

// allowed is a bound in words.
func (s sizes) allowed(each int64) string {
	if s.spare == 0 {
		return fmt.Sprintf("%s each", kib(each))
	}
	return fmt.Sprintf("%s each, and %s", kib(each), mib(s.spare))
}

// open opens n connections more, with an exchange on each, while those that are
// open stay. What it returns is to be closed even if there is an error.
func (k *soak) open(ctx context.Context, are []*client, n int) ([]*client, error) {
	all, errs := slices.Clone(are), make([]error, openers)
	for range n {
		all = append(all, k.newClient(http1, false))
	}
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() { errs[w] = openSome(ctx, all, w, len(errs)) })
	}
	wg.Wait()
	return all[len(are):], errors.Join(errs...)
}

// openSome uses those that are open again before they are idle for too long.
func openSome(ctx context.Context, all []*client, first, step int) error {
	var queue []*client // that idle longest first
	for i := first; i < len(all); i += step {
		if all[i].used.IsZero() {
			if _, err := all[i].echo(ctx); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
		}
		queue = append(queue, all[i])
		for time.Since(queue[0].used) > stale {
			if _, err := queue[0].echo(ctx); err != nil {
				return fmt.Errorf("one of %d connections, again: %w", i, err)
			}
			queue = append(queue[1:], queue[0])
		}
	}
	return nil
}

func closeAll(all []*client) {
	for _, c := range all {
		c.close()
	}
}

// askAll has times exchanges on each connection, a few at a time and those that
// are idle longest first, and tells how long those took that were answered.
func askAll(ctx context.Context, all []*client, times int) ([]time.Duration, error) {
	all = slices.SortedFunc(slices.Values(all), func(a, b *client) int { return a.used.Compare(b.used) })
	var (
		mu   sync.Mutex
		took []time.Duration
		errs []error
		wg   sync.WaitGroup
	)
	for w := range oldOnes {
		wg.Go(func() {
			for i := w; i < len(all); i += oldOnes {
				for range times {
					d, err := all[i].echo(ctx)
					mu.Lock()
					if err == nil {
						took = append(took, d)
					} else {
						errs = append(errs, fmt.Errorf("connection %d: %w", i, err))
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return took, errors.Join(errs[:min(3, len(errs))]...)
}
