package ca

import (
	"crypto/tls"
	"crypto/x509"
	"strconv"
	"testing"
	"time"
)

func TestCacheKeepsWhatWasUsedLast(t *testing.T) {
	now := time.Now()
	cert := &tls.Certificate{Leaf: &x509.Certificate{NotBefore: now.Add(-day), NotAfter: now.Add(day)}}
	var c cache
	for i := range maxLeaves {
		c.put(strconv.Itoa(i), cert, now)
	}
	c.put("1", cert, now) // used again: no longer the oldest
	c.get("0", now)
	c.put("more", cert, now)
	c.put("and more", cert, now)
	for host, want := range map[string]bool{"0": true, "1": true, "2": false, "3": false, "4": true, "more": true, "and more": true} {
		if got := c.get(host, now) != nil; got != want {
			t.Errorf("%s kept: %v", host, got)
		}
	}
	if len(c.byHost) != maxLeaves || c.used.Len() != maxLeaves {
		t.Errorf("%d and %d entries", len(c.byHost), c.used.Len())
	}
}
