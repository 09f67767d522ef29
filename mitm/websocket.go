package mitm

import (
	"bufio"
	"errors"
	"io"
	"net"
	"time"

	"github.com/gobwas/ws"
)

// WebSocket (RFC 6455), frame by frame. Messages in which something might be
// changed are seen whole up to maxMessage and leave as one frame, which 5.4 lets an
// intermediary do; longer ones stream, cut into frames anew. Control frames pass in
// between and never wait. No extension was offered, so that all is plain.

// maxMessage is how much of a message is held to be seen whole.
const maxMessage = 1 << 20

// webSocket is one upgraded connection.
type webSocket struct {
	x        *exchange
	client   net.Conn
	toClient *frames
	toOrigin *frames
	upEnded  chan struct{}
}

func newWebSocket(x *exchange, client net.Conn, origin io.Writer) *webSocket {
	x.anywhere = x.proxy.cfg.Anywhere != nil && x.proxy.cfg.Anywhere(x.scope, x.dest.host, x.dest.port)
	return &webSocket{x: x, client: client, toClient: newFrames(client, false), toOrigin: newFrames(origin, true), upEnded: make(chan struct{})}
}

// down passes on what the origin says, less echoes.
func (s *webSocket) down(origin io.Reader) error {
	way := &fromOrigin{x: s.x}
	defer way.end()
	f := &flow{src: bufio.NewReader(origin), dst: s.toClient, way: way}
	err := f.run()
	var why *Problem
	if errors.As(err, &why) {
		s.refuse(why)
		_ = s.client.SetReadDeadline(time.Now().Add(endWait)) // for its close frame; else it is cut off at once
	}
	if s.toClient.isOver() {
		<-s.upEnded // the client is still to read why
	}
	if err == nil {
		err = io.EOF // clients wait for the server to close TCP (RFC 6455, 7.1.1)
	}
	return err
}

// up passes on what the client says, with values. A message that asks for what is
// not allowed ends the connection, and nothing of it is sent.
func (s *webSocket) up(client io.Reader) error {
	defer close(s.upEnded)
	f := &flow{src: bufio.NewReader(client), dst: s.toOrigin, masked: true, way: fromClient{s.x}}
	err := f.run()
	var why *Problem
	if errors.As(err, &why) {
		s.refuse(why)
		f.drain(s.client)
	}
	return err
}

// refuse ends both sides.
func (s *webSocket) refuse(why *Problem) {
	s.x.stopped(why)
	code := ws.StatusPolicyViolation
	switch {
	case why.Status == 413:
		code = ws.StatusMessageTooBig
	case why.Status >= 500:
		code = ws.StatusInternalServerError
	}
	_ = s.toClient.end(code, closeReason(why)) // before the origin answers
	_ = s.toOrigin.end(ws.StatusGoingAway, "")
}

// closeReason is all that fits into a close frame (RFC 6455, 5.5): what is wrong,
// and the command that would change it.
func closeReason(why *Problem) string {
	reason := why.Slug
	if with := reason + ": " + why.Hint; why.Hint != "" && len(with) <= 123 {
		reason = with
	}
	return reason
}
