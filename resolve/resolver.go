package resolve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxAbsent bounds what is remembered of names that are not there: clients choose those names.
const maxAbsent = 1024

// Config says where a Resolver finds values, and how long it trusts what it found.
type Config struct {
	// Store is required.
	Store Store
	// TTL is how long a value stays in memory, 0 means 60 s.
	TTL time.Duration
	// NegativeTTL is how long a name is known to be missing, and the store not to answer, 0 means 5 s.
	NegativeTTL time.Duration
	// Timeout is how long a caller waits for the store, 0 means 5 s.
	Timeout time.Duration
	// Now is the clock of the cache, nil means time.Now. Called concurrently.
	Now func() time.Time
	// Observe is told how long each call of the store took, when it returns. Called concurrently; nil observes nothing.
	Observe func(time.Duration)
	// Panicked is told that a call of the store did, but not with what: that could be a value. Called concurrently; nil
	// tells nobody.
	Panicked func()
}

func (c *Config) ttl() time.Duration         { return orDefault(c.TTL, 60*time.Second) }
func (c *Config) negativeTTL() time.Duration { return orDefault(c.NegativeTTL, 5*time.Second) }
func (c *Config) timeout() time.Duration     { return orDefault(c.Timeout, 5*time.Second) }

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

func (c *Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c *Config) observe(d time.Duration) {
	if c.Observe != nil {
		c.Observe(d)
	}
}

func (c *Config) panicked() {
	if c.Panicked != nil {
		c.Panicked()
	}
}

// Resolver resolves names through a cache, with one call of the store at a time for each secret. A store that is locked,
// or gave no answer in time, is left alone for NegativeTTL, and then tried with one call; values in the cache count
// meanwhile, and a new generation of the store ends it. It is safe for concurrent use.
type Resolver struct {
	config Config

	mu         sync.Mutex
	generation string // of the store, when what follows was begun
	known      map[Ref]knownValue
	absent     map[Ref]time.Time // until when
	calls      map[Ref]*call
	silent     time.Time // until when the store is not asked: it was locked, or gave no answer
}

type knownValue struct {
	value Value
	until time.Time
}

// call is one question to the store, and its answer once done is closed.
type call struct {
	done  chan struct{}
	value Value
	err   error
}

// NewResolver returns a Resolver that has asked nothing yet.
func NewResolver(c Config) (*Resolver, error) {
	if c.Store == nil {
		return nil, errNoStore
	}
	if c.TTL < 0 || c.NegativeTTL < 0 || c.Timeout < 0 {
		return nil, errors.New("resolve: a duration in Config is negative")
	}
	r := &Resolver{config: c}
	r.forgetLocked("")
	return r, nil
}

// Resolve returns the value of ref. It is ErrNotFound where there is none, and ErrLocked where the store does not
// answer in time; ctx only ends this caller's waiting.
func (r *Resolver) Resolve(ctx context.Context, ref Ref) (Value, error) {
	if err := ref.Check(); err != nil {
		return Value{}, err
	}
	value, c, err := r.begin(ctx, ref)
	if c == nil {
		return value, err
	}
	return r.wait(ctx, ref, c)
}

// begin answers from the cache or returns the call to wait for.
func (r *Resolver) begin(ctx context.Context, ref Ref) (Value, *call, error) {
	generation := r.config.Store.Generation()
	now := r.config.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if generation != r.generation {
		r.forgetLocked(generation)
	}
	if k, ok := r.known[ref]; ok && now.Before(k.until) {
		return k.value, nil, nil
	}
	if until, ok := r.absent[ref]; ok && now.Before(until) {
		return Value{}, nil, NotFound(ref)
	}
	if now.Before(r.silent) {
		return Value{}, nil, lateFor(ref)
	}
	c := r.calls[ref]
	if c == nil {
		if !r.silent.IsZero() { // one call tries whether the store answers again
			r.silent = now.Add(r.config.timeout())
		}
		c = &call{done: make(chan struct{})}
		r.calls[ref] = c
		// Not the caller's context: another caller may be waiting too when this one goes away.
		go r.ask(context.WithoutCancel(ctx), ref, c, generation)
	}
	return Value{}, c, nil
}

// forgetLocked drops all that was found in an older generation. It also parts from calls that are under way: they
// answer those who wait for them, but whoever comes after a change must not get what was there before it.
func (r *Resolver) forgetLocked(generation string) {
	r.generation = generation
	r.known = make(map[Ref]knownValue)
	r.absent = make(map[Ref]time.Time)
	r.calls = make(map[Ref]*call)
	r.silent = time.Time{}
}

// ask runs until the store returns. A store that heeds its context does so within the timeout; one that hangs keeps
// this goroutine, and only this one: later callers for ref find the call still there and join it.
func (r *Resolver) ask(ctx context.Context, ref Ref, c *call, generation string) {
	ctx, cancel := context.WithTimeout(ctx, r.config.timeout())
	defer cancel()
	start := r.config.now()
	c.value, c.err = r.call(ctx, ref)
	end := r.config.now()
	r.config.observe(end.Sub(start))
	if errors.Is(c.err, context.DeadlineExceeded) {
		c.err = lateFor(ref)
	}
	r.finish(ref, c, generation, end)
	close(c.done)
}

var errFailed = errors.New("the store met a fault of its own")

// call asks the store. A panic would end the program, since nobody stands above the goroutine that calls.
func (r *Resolver) call(ctx context.Context, ref Ref) (v Value, err error) {
	defer func() {
		if recover() != nil {
			r.config.panicked()
			v, err = Value{}, errFailed
		}
	}()
	return r.config.Store.Resolve(ctx, ref)
}

func (r *Resolver) finish(ref Ref, c *call, generation string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls[ref] == c {
		delete(r.calls, ref)
	}
	if r.generation != generation {
		return // perhaps read before the change, perhaps after
	}
	r.expireLocked(now)
	r.silent = time.Time{}
	switch {
	case errors.Is(c.err, ErrLocked):
		r.silent = now.Add(r.config.negativeTTL())
	case c.err == nil:
		r.known[ref] = knownValue{c.value, now.Add(r.config.ttl())}
		time.AfterFunc(r.config.ttl(), r.expire) // also where nobody asks for anything any more
	case errors.Is(c.err, ErrNotFound) && len(r.absent) < maxAbsent:
		r.absent[ref] = now.Add(r.config.negativeTTL())
	}
}

func (r *Resolver) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked(r.config.now())
}

// expireLocked lets go of values that nobody asks for any more, rather than keep them in memory for ever.
func (r *Resolver) expireLocked(now time.Time) {
	for ref, k := range r.known {
		if !now.Before(k.until) {
			delete(r.known, ref)
		}
	}
	for ref, until := range r.absent {
		if !now.Before(until) {
			delete(r.absent, ref)
		}
	}
}

func (r *Resolver) wait(ctx context.Context, ref Ref, c *call) (Value, error) {
	timeout := time.NewTimer(r.config.timeout())
	defer timeout.Stop()
	select {
	case <-c.done:
		if c.err != nil {
			return Value{}, fmt.Errorf("resolve %s: %w", ref.Name, c.err)
		}
		return c.value, nil
	case <-ctx.Done():
		return Value{}, fmt.Errorf("resolve %s: %w", ref.Name, ctx.Err())
	case <-timeout.C:
		r.noAnswer()
		return Value{}, lateFor(ref)
	}
}

// noAnswer has the next callers told at once, for a time, rather than wait for a store that hangs: each in its turn would
// hold a connection for as long.
func (r *Resolver) noAnswer() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = r.config.now().Add(r.config.negativeTTL())
}

func lateFor(ref Ref) error {
	return fmt.Errorf("%w: no answer about %s in time", ErrLocked, ref.Name)
}
