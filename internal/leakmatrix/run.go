package main

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
)

// result is a cell that was run.
type result struct {
	*cell
	verdict
}

// side is how many clients run cells at a time.
const side = 4

// releaseAll has every value go to both origins in a body, as ours puts them in.
func releaseAll(ctx context.Context, t *target, kinds []kind) error {
	ask := map[string]string{}
	for _, k := range kinds {
		ask[k.name] = t.sends[k.name]
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	s := &session{t: t}
	defer s.close()
	for _, protocol := range []string{http1, http2v} {
		if err := s.release(ctx, protocol, string(body)); err != nil {
			return err
		}
	}
	return nil
}

// run plays all cells, which are the origin's too.
func run(ctx context.Context, t *target, cells []*cell, k *checker) []result {
	results := make([]result, len(cells))
	var next atomic.Int64
	var all sync.WaitGroup
	for range side {
		all.Go(func() {
			s := &session{t: t}
			defer s.close()
			for n := int(next.Add(1)) - 1; n < len(cells) && ctx.Err() == nil; n = int(next.Add(1)) - 1 {
				c := cells[n]
				results[n].cell = c
				a, err := s.play(ctx, n, c)
				if err != nil {
					results[n].broken = err.Error()
					continue
				}
				results[n].verdict = k.check(c, a)
			}
		})
	}
	all.Wait()
	return results
}
