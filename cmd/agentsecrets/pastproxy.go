package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/peer"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// What goes past the proxy of a run, it cannot see. On Linux the kernel lists
// connections, and a run looks whether its programs have some of their own. It
// cannot see one that begins and ends between two looks.

const (
	glancing   = 50 * time.Millisecond  // how often it is asked whether there may be something new,
	later      = 200 * time.Millisecond // and how often when the program has run for a while
	forAWhile  = 2 * time.Second
	looksAfter = 3    // how often it is looked when something was begun: it is not up at once
	freeLooks  = 20   // how often without regard for what that costs,
	idleShare  = 1000 // and then for how many times as long as a look took there is none
	maxPast    = 50   // findings that are kept
)

// watch looks for connections past the proxy while a run lives.
type watch struct {
	house *house
	scope mitm.Scope
	ports []uint16
	known []uint32 // sockets that have been looked at
	opens peer.Opened
	began peer.Opened // opens at the start
	other bool        // others than the run's programs begin connections too
	looks int
	left  int // looks that are due
	cost  time.Duration
	last  time.Time

	stop, ended chan struct{}
}

// watchPast begins to watch; nil where that cannot be done.
func (h *house) watchPast(scope mitm.Scope) *watch {
	opens, err := peer.Opens()
	if err != nil {
		return nil
	}
	w := &watch{house: h, scope: scope, ports: []uint16{443, 80}, opens: opens, began: opens, stop: make(chan struct{}), ended: make(chan struct{})}
	for _, to := range h.origins.pins {
		if !slices.Contains(w.ports, to.Port()) {
			w.ports = append(w.ports, to.Port())
		}
	}
	go w.run()
	return w
}

// end looks once more, and reports whether connections were begun that may be the
// run's, and lead away from this machine: where a browser works beside it, nothing can
// be said.
func (w *watch) end() bool {
	if w == nil {
		return false
	}
	close(w.stop)
	<-w.ended
	return w.opens.Away > w.began.Away && !w.other
}

func (w *watch) run() {
	defer close(w.ended)
	started := time.Now()
	timer := time.NewTimer(glancing)
	defer timer.Stop()
	for {
		select {
		case <-w.stop:
			w.glance(true)
			return
		case <-timer.C:
		}
		if err := w.glance(false); err != nil {
			w.house.messages.Debug("connections past the proxy cannot be looked for", "err", err)
			<-w.stop
			return
		}
		if time.Since(started) > forAWhile {
			timer.Reset(later)
		} else {
			timer.Reset(glancing)
		}
	}
}

// glance looks if something was begun, and not so often that it is felt.
func (w *watch) glance(last bool) error {
	opens, err := peer.Opens()
	if err != nil {
		return err
	}
	if opens.All != w.opens.All {
		w.left = looksAfter
	}
	w.opens = opens
	if w.left == 0 || !last && w.looks >= freeLooks && time.Since(w.last) < idleShare*w.cost {
		return nil
	}
	w.left--
	w.looks++
	w.last = time.Now()
	err = w.look()
	w.cost = time.Since(w.last)
	return err
}

// look finds whose the connections are that were not there before. Our own are
// most of them, and found at once.
func (w *watch) look() error {
	all, err := peer.Outwards(w.ports)
	if err != nil {
		return err
	}
	fresh := map[uint32]netip.AddrPort{}
	var sockets, now []uint32
	for _, c := range all {
		now = append(now, c.Socket)
		if !slices.Contains(w.known, c.Socket) && w.house.past(c.Remote) {
			fresh[c.Socket] = c.Remote
			sockets = append(sockets, c.Socket)
		}
	}
	w.known = now
	if len(sockets) == 0 {
		return nil
	}
	ours := peer.Holding([]int{os.Getpid()}, sockets)
	sockets = slices.DeleteFunc(sockets, func(s uint32) bool { return ours[s] != 0 })
	if len(sockets) == 0 {
		return nil
	}
	tree, err := runtree.Descendants(os.Getpid())
	if err != nil {
		return err
	}
	holders := peer.Holding(tree, sockets)
	w.other = w.other || len(holders) < len(sockets)
	for socket, pid := range holders {
		w.house.observed.past(peer.Program(pid), w.house.nameOf(fresh[socket]), w.scope)
	}
	return nil
}

// past reports whether a connection to there should have been one to the proxy.
func (h *house) past(to netip.AddrPort) bool {
	for _, pinned := range h.origins.pins {
		if pinned == to {
			return true
		}
	}
	return !to.Addr().IsLoopback() && (to.Port() == 443 || to.Port() == 80)
}

// nameOf is the host that --resolve leads there, else the address.
func (h *house) nameOf(to netip.AddrPort) string {
	for name, pinned := range h.origins.pins {
		if pinned == to {
			return name
		}
	}
	return to.String()
}

// past notes a connection of a program to a host that is none of the proxy's.
func (o *observed) past(program, host string, scope mitm.Scope) {
	o.note(finding{
		findingKey: findingKey{reasonPast, program, host}, scope: scope, at: time.Now(),
		seen: fmt.Sprintf("%s had a connection to %s that did not come through the proxy", program, host),
	})
}

// note keeps a finding, or counts one that is there.
func (o *observed) note(f finding) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.count = 1
	at := slices.IndexFunc(o.more, func(other finding) bool { return other.findingKey == f.findingKey })
	switch {
	case at >= 0:
		o.more[at].count++
	case len(o.more) < maxPast:
		o.more = append(o.more, f)
		o.stir()
	}
}

// unused notes that a program failed, and nothing that it ran came to the proxy,
// though connections to elsewhere were begun meanwhile. Whose they were it does not say.
func (h *house) unused(program string, code int, begun bool, scope mitm.Scope) {
	if code == 0 || code >= 126 || !begun || h.observed.came.Load() > 0 || h.observed.any() {
		return
	}
	program = filepath.Base(program)
	h.observed.note(finding{
		findingKey: findingKey{reasonUnused, program, ""}, scope: scope, at: time.Now(),
		seen: fmt.Sprintf("%s ended with code %d, and no connection came to the proxy, though some that lead away from this machine were begun meanwhile", program, code),
	})
}

func (o *observed) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.more) > 0
}

// record is for mitm.Config. It notes what a run tells at its end: requests that we
// answered ourselves, and those in which placeholders passed as text alone, and which
// the host then turned away.
func (h *house) record(e audit.Event) error {
	err := h.log.Write(e)
	if h.run != nil {
		h.observed.refused(e, err == nil)
	}
	turnedAway := e.StatusCode == 401 || e.StatusCode == 403
	if e.Event == audit.Done && e.Status == audit.OK && turnedAway && len(e.Mentions) > 0 && len(e.SecretKeys) == 0 {
		h.observed.note(finding{findingKey: findingKey{findingText, "", e.Domain}, at: e.Timestamp, id: e.ID})
	}
	return err
}
