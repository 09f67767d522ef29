package mitm

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// A marker in a response tells a client that what it sent was right. Of values
// that can be guessed a run gets few of them: once there are more, the response
// that has one more is not passed on, and nor is any other request of the run
// until the budget has room again. Whoever puts many guesses into one body learns
// more from one marker; this cannot be helped here.

const (
	maxWeakEchoes = 20
	weakWindow    = time.Minute // in which there are no more than that
)

// budget is what a run may still see of weak values.
type budget struct {
	mu    sync.Mutex
	seen  [maxWeakEchoes]time.Time // when the last ones were covered; a ring
	next  int                      // the oldest of them
	spent bool                     // there was one more
}

// spend takes n echoes out of the budget and reports whether it has them. It is
// asked before a byte of theirs goes to the client, so that no number of exchanges
// at a time shows more of them.
func (b *budget) spend(n int, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ; n > 0; n-- {
		if now.Sub(b.seen[b.next]) < weakWindow {
			b.spent = true
			return false
		}
		b.seen[b.next] = now
		b.next = (b.next + 1) % len(b.seen)
	}
	return true
}

// wait is how long nothing passes, 0 if anything does.
func (b *budget) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := weakWindow - now.Sub(b.seen[b.next])
	if !b.spent || left <= 0 {
		b.spent = false
		return 0
	}
	return left
}

// checkBudget refuses what is asked while the run's budget is spent: its response
// would be searched for the same values.
func (x *exchange) checkBudget() error {
	if left := x.run.budget.wait(x.proxy.cfg.now()); left > 0 {
		return x.outOfBudget(left)
	}
	return nil
}

func (x *exchange) outOfBudget(left time.Duration) *Problem {
	return &Problem{
		Status: http.StatusTooManyRequests, Slug: "short_value_budget", Domain: x.domain(), Hint: "agentsecrets doctor",
		Message:    "values that can be guessed came back more than 20 times in a minute; doctor names such values; longer ones are not counted",
		RetryAfter: left,
	}
}

// spend is told of echoes of weak values in the response.
func (x *exchange) spend(n int) {
	if !x.run.budget.spend(n, x.proxy.cfg.now()) {
		x.overspent.Store(true)
	}
}

// withinBudget is asked before something of a response is passed on, and why not.
func (x *exchange) withinBudget() error {
	if !x.overspent.Load() {
		return nil
	}
	return x.outOfBudget(max(x.run.budget.wait(x.proxy.cfg.now()), time.Second))
}

// stopped notes why what had begun was not passed on to its end.
func (x *exchange) stopped(why *Problem) {
	x.mu.Lock()
	x.bodyStop = why
	x.mu.Unlock()
	x.proxy.cfg.log().Warn("refused", "reason", why.Slug, "host", x.dest.host, "name", why.Name, "exchange", x.id)
}

// stopIfOver notes it if the budget is why something ended.
func (x *exchange) stopIfOver() {
	var why *Problem
	if errors.As(x.withinBudget(), &why) {
		x.stopped(why)
	}
}

// budgeted is what was searched, as far as the budget goes.
type budgeted struct {
	io.Reader
	x *exchange
}

func (r budgeted) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if over := r.x.withinBudget(); over != nil {
		return 0, over
	}
	return n, err
}

// budgetedRewriter is the same of a message that streams.
type budgetedRewriter struct {
	stream.Rewriter
	x *exchange
}

func (r budgetedRewriter) Feed(dst, chunk []byte) ([]byte, error) {
	dst, err := r.Rewriter.Feed(dst, chunk)
	if err == nil {
		err = r.x.withinBudget()
	}
	return dst, err
}

func (r budgetedRewriter) Flush(dst []byte) ([]byte, error) {
	dst, err := r.Rewriter.Flush(dst)
	if err == nil {
		err = r.x.withinBudget()
	}
	return dst, err
}
