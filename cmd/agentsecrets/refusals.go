package main

import (
	"cmp"
	"net/url"
	"slices"

	"github.com/agentsecrets/agentsecrets/audit"
)

// What was refused, many a program keeps to itself: git shows the number of the
// status, pip not even that. So a run says it at its end.

// refused notes a request that we answered ourselves, in place of its host.
func (o *observed) refused(e audit.Event, written bool) {
	if e.Event != audit.Done || e.Status == audit.OK || e.Detail == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answers == nil {
		o.answers = map[findingKey]*finding{}
	}
	k := findingKey{reason: e.Reason, host: e.Domain}
	if u, err := url.Parse(e.TargetURL); err == nil {
		k.host = cmp.Or(u.Host, k.host)
	}
	if o.answers[k] == nil && len(o.answers) >= maxObserved {
		k.host = "" // those that there is no room for, which are counted
	}
	f := o.answers[k]
	if f == nil {
		f = &finding{findingKey: k}
		o.answers[k] = f
	}
	f.count++
	if k.host == "" {
		return
	}
	f.at, f.seen, f.failed, f.id = e.Timestamp, e.Detail, e.Status == audit.Error, ""
	if written {
		f.id = e.ID
	}
}

// refusals are the requests that we answered, the latest first.
func (o *observed) refusals() []finding {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []finding
	for _, f := range o.answers {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b finding) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.id, b.id)) })
	return all
}
