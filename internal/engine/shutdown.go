package engine

import "context"

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return false
	}
	if s.conns == nil {
		s.conns = map[*conn]bool{}
	}
	s.conns[c] = true
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

// Shutdown closes connections that wait for a request, and waits for the others
// until ctx ends; those that are left it closes, and returns ctx's error.
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
