package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

// acceptPause is how long a listener rests when no more files can be open.
const acceptPause = 50 * time.Millisecond

// Accept serves what comes to l, until Shutdown: it then returns
// http.ErrServerClosed. It closes l.
func (s *Server) Accept(l net.Listener) error {
	defer l.Close()
	if !s.open(l) {
		return http.ErrServerClosed
	}
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			go s.Serve(context.Background(), conn)
		case s.isEnding():
			return http.ErrServerClosed
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			time.Sleep(acceptPause)
		default:
			return err
		}
	}
}

func (s *Server) open(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.doors = append(s.doors, l)
	}
	return !s.ending
}

func (s *Server) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return false
	}
	if s.conns == nil {
		s.conns = map[*conn]bool{}
	}
	s.conns[c] = false
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// active notes whether c is in an exchange, and reports whether it may go on.
func (s *Server) active(c *conn, is bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = is
	return !s.ending
}

// Shutdown closes listeners and connections that wait for a request, and waits
// for the others until ctx ends; those that are left it closes, as a client would
// that leaves, and returns ctx's error once their handlers have returned.
// Connections that a handler took away are not its business.
func (s *Server) Shutdown(ctx context.Context) error {
	over := s.end(false)
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		<-s.end(true)
		return ctx.Err()
	}
}

// end closes connections, all or those that wait, and returns what tells when
// none is left.
func (s *Server) end(all bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = true
	for _, l := range s.doors {
		l.Close()
	}
	s.doors = nil
	for c, busy := range s.conns {
		if all || !busy {
			c.raw.Close()
		}
	}
	over := s.empty
	if over == nil {
		over = make(chan struct{})
		if len(s.conns) == 0 {
			close(over)
			return over
		}
		s.empty = over
	}
	return over
}
