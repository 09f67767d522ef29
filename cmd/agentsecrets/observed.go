package main

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/peer"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// observed is what a proxy saw of its clients: how each program took our
// certificate at each host. It holds names of programs and hosts alone.
type observed struct {
	started time.Time
	named   atomic.Int64 // programs that were looked for
	came    atomic.Int64 // connections to the proxy, of whatever kind

	news chan struct{} // of one element: something was seen that may be a finding; nil: nobody waits

	recording sync.Mutex // held while findings are recorded, so that each is once

	mu   sync.Mutex
	took map[clientAt]*tookUs
	more []finding             // what was seen elsewhere than at our certificate
	ids  map[findingKey]string // of the findings that have been recorded

	answers map[findingKey]*finding // of a run: requests that we answered in place of their host
}

// clientAt is a program at a host.
type clientAt struct {
	program string // "" where it was not told
	host    string
	port    int
}

// tookUs is how one program took our certificate at one host.
type tookUs struct {
	Program  string // "" where it was not told
	Host     string // as rules write it
	Requests int    // connections in which a request came
	Left     map[mitm.Sign]int

	alert  string     // in words, of the last that is none of the usual ones
	scope  mitm.Scope // of the last
	first  time.Time  // when it left,
	last   time.Time  // and when the last time
	probes int        // of Left: what says something only of who took us elsewhere
}

const (
	// maxObserved pairs of a program and a host are kept.
	maxObserved = 1000
	// maxNamed programs are looked for at once, and one more each nameEvery: it takes
	// a while, and what serves thousands of connections is not to be slower for it.
	maxNamed  = 20
	nameEvery = time.Second
	// preconnect is how long nobody waits who looks at our certificate and goes. Who
	// holds a connection longer has made it ahead of need.
	preconnect = time.Second
)

// shown is for mitm.Config.
func (h *house) shown(s mitm.Shown) {
	if s.Sign != mitm.SentRequest {
		h.metrics.ClientLeft(string(s.Sign))
	}
	h.observed.add(s)
}

func (o *observed) add(s mitm.Shown) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.rowLocked(clientAt{s.Program, s.Host, s.Port})
	switch {
	case r == nil:
		return
	case s.Sign == mitm.SentRequest:
		r.Requests++
	case s.Sign == mitm.SentNothing && s.Held > preconnect:
		return
	default:
		r.Left[s.Sign]++
		r.last, r.alert = time.Now(), cmp.Or(s.Alert, r.alert)
		r.first = cmp.Or(r.first, r.last)
		o.stir()
		if s.Probe {
			r.probes++
		}
	}
	r.scope = s.Scope
}

// stir wakes who judges.
func (o *observed) stir() {
	select {
	case o.news <- struct{}{}:
	default: // it is about to look, or there is nobody
	}
}

func (o *observed) rowLocked(c clientAt) *tookUs {
	r := o.took[c]
	if r == nil && len(o.took) < maxObserved {
		r = &tookUs{Program: c.program, Host: domainOf(mitm.Use{Host: c.host, Port: c.port}), Left: map[mitm.Sign]int{}}
		if o.took == nil {
			o.took = map[clientAt]*tookUs{}
		}
		o.took[c] = r
	}
	return r
}

// program is for mitm.Config.
func (o *observed) program(client net.Conn) string {
	if o.named.Add(1) > maxNamed+int64(time.Since(o.started)/nameEvery) {
		o.named.Add(-1)
		return ""
	}
	return peer.ProgramOf(client)
}

// hosts is what was seen, by host and program.
func (o *observed) hosts() []tookUs {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]tookUs, 0, len(o.took))
	for _, r := range o.took {
		c := *r
		c.Left = maps.Clone(r.Left)
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b tookUs) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Program, b.Program)) })
	return all
}

// lefts are how often the program left at our certificate: how often it said so,
// and how often it just went.
func (t tookUs) lefts() (said, went int) {
	for sign, n := range t.Left {
		if sign == mitm.SentNothing || sign == mitm.LeftInHandshake {
			went += n
		} else {
			said += n
		}
	}
	return said, went
}
