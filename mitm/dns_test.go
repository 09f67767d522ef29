package mitm_test

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers DNS over UDP; this process asks it and no other until the
// test ends.
type nameServer struct {
	asked  atomic.Int64
	answer func(name string) []netip.Addr // is asked anew for each query
}

func answering(t *testing.T, answer func(name string) []netip.Addr) *nameServer {
	t.Helper()
	s := &nameServer{answer: answer}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := s.reply(buf[:n]); err == nil {
				conn.WriteTo(reply, from)
			}
		}
	})
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
		wg.Wait()
	})
	return s
}

func (s *nameServer) reply(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	s.asked.Add(1)
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true, RecursionDesired: true, RecursionAvailable: true})
	b.StartQuestions()
	b.Question(q)
	b.StartAnswers()
	about := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET} // good for no second
	for _, a := range s.answer(q.Name.String()) {
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			b.AResource(about, dnsmessage.AResource{A: a.As4()})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			b.AAAAResource(about, dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	return b.Finish()
}
