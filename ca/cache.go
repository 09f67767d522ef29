package ca

import (
	"container/list"
	"crypto/tls"
	"time"
)

// maxLeaves bounds the cache: a client chooses how many hosts it asks for. A leaf takes about 3 KiB.
const maxLeaves = 1024

// cache holds the leaves used last. The zero cache is empty.
type cache struct {
	byHost map[string]*list.Element
	used   list.List // of *kept, the one used last in front
}

type kept struct {
	host string
	cert *tls.Certificate
	// While the clock is between these, at least half of the leaf's life is left on both sides of it. Both are wall
	// time: that is what clients judge by, and it may jump either way under a process that was suspended.
	from, until time.Time
}

func (c *cache) get(host string, now time.Time) *tls.Certificate {
	e := c.byHost[host]
	if e == nil {
		return nil
	}
	k := e.Value.(*kept)
	if now.Before(k.from) || !now.Before(k.until) {
		return nil
	}
	c.used.MoveToFront(e)
	return k.cert
}

func (c *cache) put(host string, cert *tls.Certificate, now time.Time) {
	if c.byHost == nil {
		c.byHost = map[string]*list.Element{}
	}
	k := &kept{host, cert, middle(cert.Leaf.NotBefore, now), middle(now, cert.Leaf.NotAfter)}
	if e := c.byHost[host]; e != nil {
		e.Value = k
		c.used.MoveToFront(e)
		return
	}
	c.byHost[host] = c.used.PushFront(k)
	if c.used.Len() > maxLeaves {
		oldest := c.used.Remove(c.used.Back()).(*kept)
		delete(c.byHost, oldest.host)
	}
}

// middle is in wall time: without the reading of a monotonic clock.
func middle(a, b time.Time) time.Time {
	a, b = a.Round(0), b.Round(0)
	return a.Add(b.Sub(a) / 2)
}
