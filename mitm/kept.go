package mitm

import (
	"cmp"
	"net/http"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/redact"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// sought is how long a value is looked for after it last went out, once it is no
// longer what its name stands for: whoever got it may keep it for a while.
const sought = 24 * time.Hour

// kept are the values that have gone out. It holds none of them: it knows them by
// what their set calls them.
type kept struct {
	set *redact.Set

	mu     sync.Mutex            // guards what follows
	stands map[secret]redact.ID  // for what, as last released
	last   map[redact.ID]release // of each
}

// A release is of a value, the last one.
type release struct {
	at    time.Time
	added bool // it is looked for
}

// A secret is what a value is stored under.
type secret struct{ project, environment, name string }

func newKept(set *redact.Set) *kept {
	return &kept{set: set, stands: map[secret]redact.ID{}, last: map[redact.ID]release{}}
}

// release makes values, which are those of names in s, be looked for from now on.
// Where that fails they must not go out.
func (k *kept) release(s Scope, values map[string]resolve.Value, now time.Time) error {
	var fresh []resolve.Value
	k.mu.Lock()
	for name, v := range values {
		id := k.set.ID(v)
		k.stands[secret{s.ProjectID, s.Environment, name}] = id
		r := k.last[id]
		r.at = now // before it is added: forget must not take it away again
		k.last[id] = r
		if !r.added {
			fresh = append(fresh, v)
		}
	}
	k.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	if err := k.set.Add(fresh...); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range fresh {
		if id := k.set.ID(v); !k.last[id].at.IsZero() {
			k.last[id] = release{k.last[id].at, true}
		}
	}
	return nil
}

// Replaced reports whether a secret was set again, or deleted, after since.
type Replaced func(project, environment, name string, since time.Time) bool

// Forget stops looking for values that nobody can need any more: those that did not
// go out for a day and are no longer the value of their secret, by what was released
// since and by what replaced says, which is asked about secrets whose value did not
// go out for a day. It reports how many there were. Without it a proxy would look for
// more and more values, until there is no room and it sends no new ones.
func (p *Proxy) Forget(replaced Replaced) int {
	k, now := p.sent.kept, p.cfg.now()
	for s, since := range k.resting(now) {
		if replaced(s.project, s.environment, s.name, since) {
			k.drop(s, since)
		}
	}
	return k.forget(now)
}

// resting are the secrets whose value did not go out for long.
func (k *kept) resting(now time.Time) map[secret]time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := map[secret]time.Time{}
	for s, id := range k.stands {
		if since := k.last[id].at; now.Sub(since) >= sought {
			list[s] = since
		}
	}
	return list
}

// drop notes that what s stands for is no longer its value, if it was not released
// meanwhile.
func (k *kept) drop(s secret, since time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last[k.stands[s]].at.Equal(since) {
		delete(k.stands, s)
	}
}

// forget removes what no name stands for.
func (k *kept) forget(now time.Time) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	needed := make(map[redact.ID]bool, len(k.stands))
	for _, id := range k.stands {
		needed[id] = true
	}
	var gone []redact.ID
	for id, r := range k.last {
		if !needed[id] && now.Sub(r.at) >= sought {
			gone = append(gone, id)
			delete(k.last, id)
		}
	}
	k.set.Remove(gone...)
	return len(gone)
}

// release makes every later response of the run be searched for what is about
// to be sent.
func (x *exchange) release() error {
	if len(x.values) == 0 {
		return nil
	}
	if err := x.run.kept.release(x.scope, x.values, x.proxy.cfg.now()); err != nil {
		return &Problem{
			Status: http.StatusServiceUnavailable, Slug: "too_many_values", Domain: x.domain(),
			Message: "so many values have gone out that no more can be looked for in responses, so this one is not sent",
			Hint:    cmp.Or(x.proxy.cfg.Command, "agentsecrets proxy stop"),
		}
	}
	x.run.gave.LoadOrStore(x.dest.host, true)
	return nil
}
