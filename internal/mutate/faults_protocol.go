package main

// Faults in what is done for one protocol.

var (
	inMessages  = []string{"./mitm", "-run", "TestMessages|TestGRPC"}
	inPairs     = []string{"./mitm", "-run", "TestProtocolPairs|TestHTTP10"}
	inWebSocket = []string{"./mitm", "-run", "WebSocket|TestUpgrade|BrokenText|PlaintextUpgrade"}
)

var protocolFaults = []fault{
	{"grpc: ask for compressed messages", "mitm/grpc.go", "		case x.reaches:\n			delete(h, field)\n", "", inMessages},
	{"grpc: ask for any coding elsewhere", "mitm/grpc.go", "			h[field] = []string{readable(lines)}\n", "			_ = lines\n", inMessages},
	{"grpc: pass compressed messages", "mitm/messages.go", "	case compressed && !search:", "	case compressed:", inMessages},
	{"grpc: pass what no coding of ours undoes", "mitm/messages.go", "		return nil, errCoding\n", "		return b, nil\n", inMessages},
	{"grpc: a message of any size", "mitm/messages.go", "	case size > maxExpanded:\n", "	case size < 0:\n", inMessages},
	{"grpc: large messages without end", "mitm/messages.go", "	case size > maxMessage && !m.claim():", "	case size > maxExpanded:", inMessages},
	{"grpc: messages that become large without end", "mitm/messages.go", "		if !m.claim() {", "		if m.holds {", inMessages},
	{"grpc: room is never made again", "mitm/messages.go", "		<-m.large\n", "", inMessages},
	{"grpc: wait for the next message", "mitm/messages.go", "	case len(m.out) == 0 || m.sized && m.ended == nil:", "	case len(m.out) == 0 || m.ended == nil:", inMessages},
	{"grpc: a value in the head of a message", "mitm/messages.go", "		if head != [messageHead]byte(b) {", "		if head != [messageHead]byte(b) && head[0] > 1 {", inMessages},
	{"grpc: a value in the head of a long message", "mitm/messages.go", "n >= messageHead && !bytes.Equal(", "n < messageHead && !bytes.Equal(", inMessages},
	{"grpc: any text is a message", "mitm/messages.go", "	case flags&^m.flags != 0 && search:", "	case flags&^m.flags != 0 && search && size == 0:", inMessages},
	{"grpc: pass what only seemed to be a message", "mitm/messages.go", "		m.out = m.out[:0] // what seemed", "		_ = m.out // what seemed", inMessages},
	{"grpc: tell of a coding that is undone", "mitm/grpc.go", "		resp.Header.Del(f.coded)\n", "", inMessages},
	{"grpc: the length of the compressed message", "mitm/grpc.go", "		resp.Header.Del(\"Content-Length\")\n		resp.ContentLength = -1\n", "", inMessages},
	{"grpc: cut off without a reason", "mitm/grpc.go", "	if !x.grpc || !errors.As(", "	if x.grpc || !errors.As(", inMessages},
	{"grpc: refuse in HTTP's words", "mitm/exchange.go", "	if x.grpc {\n		p.writeStatus(w, x.id)\n		return\n	}\n", "", inMessages},
	{"grpc: over HTTP/1", "mitm/protocol.go", "	if !http2 && ctx.Value(onlyHTTP2{}) != nil {", "	if !http2 && addr == \"\" {", inMessages},
	{"grpc: pass binary metadata in trailers", "mitm/respond.go", "	x.binaryFields(t)\n", "", inMessages},
	{"grpc: pass binary metadata in heads", "mitm/respond.go", "	x.binaryFields(h)\n", "", inMessages},
	{"grpc: padding for all metadata", "mitm/grpc.go", "	enc := base64.RawStdEncoding\n", "	enc := base64.StdEncoding\n", inMessages},
	{"grpc: count no mentions", "mitm/grpc.go", "	if !x.anywhere {\n		return b\n", "	if x.anywhere {\n		return b\n", inMessages},
	{"grpc: calls outlive their client", "mitm/exchange.go", "httptrace.WithClientTrace(r.Context(), trace)", "httptrace.WithClientTrace(context.WithoutCancel(r.Context()), trace)", inMessages},
	{"grpc: hold text for the next message", "mitm/grpcweb.go", "		if err == nil && !w.between() {", "		if err == nil {", inMessages},
	{"websocket: messages hold no use", "mitm/wsmessage.go", "	if !s.spells(b) {", "	if !s.spells(b) || op == ws.OpText {", inWebSocket},
	{"websocket: a message is sent before it is recorded", "mitm/wsmessage.go", "	return x.recordUses(event)\n", "	go func() { _ = x.recordUses(event) }()\n	return nil\n", inWebSocket},
	{"websocket: a message's values are those of before", "mitm/wsmessage.go", "	clear(x.values)\n", "", inWebSocket},
	{"websocket: messages go to connections that are not guarded", "mitm/exchange.go", "	x.live = isWebSocket(upgrade)\n", "", inWebSocket},
	{"websocket: messages ride on any connection", "mitm/wsmessage.go", "		if err := x.checkSent(u); err != nil {", "		if err := x.checkSent(u); err != nil && u.Name == \"\" {", inWebSocket},
	{"websocket: a refused message is dropped and no more", "mitm/websocket.go", "		s.refuse(why)\n		f.drain(s.client)\n", "		_ = why\n", inWebSocket},
	{"websocket: close before the client has read why", "mitm/websocket.go", "		f.drain(s.client)\n", "", inWebSocket},
	{"websocket: what is too long is sent up to its use", "mitm/flow.go", "	if err != nil {\n		return err\n	}\n	m.out = out\n", "	if err != nil {\n		_ = f.write(b, false)\n		return err\n	}\n	m.out = out\n", inWebSocket},
	{"websocket: messages of any length are held", "mitm/flow.go", "	if len(m.held) > maxMessage {", "	if len(m.held) > 1<<40 {", inWebSocket},
	{"websocket: control frames wait", "mitm/flow.go", "		if h.OpCode.IsControl() {\n			err =", "		if h.OpCode.IsControl() && !f.begun {\n			err =", inWebSocket},
	{"websocket: keep the client's mask", "mitm/frames.go", "		rand.Read(h.Mask[:])\n", "		h.Mask = [4]byte{1, 2, 3, 4}\n		rand.Read(nil)\n", inWebSocket},
	{"websocket: broken text waits for its end", "mitm/flow.go", "		at = m.text.broken(b)\n", "		_ = m.text.broken(b)\n", inWebSocket},
	{"websocket: broken text parts an echo", "mitm/wsmessage.go", "	if !o.x.run.released.ASCII() {", "	if o.x.run.released.Empty() {", inWebSocket},
	{"websocket: ASCII behind the fault belongs to it", "mitm/utf8text.go", "		if bad && c < utf8.RuneSelf {", "		if bad && c == 0 {", inWebSocket},
	{"websocket: relay protocols that nobody knows", "mitm/upgrade.go", "	if x.reaches || !x.run.released.Empty() {\n		return &Problem{Status: 502, Slug: \"undecodable_response\", Message: \"the upgraded", "	if x.reaches && !x.run.released.Empty() && x.run.id == \"\" {\n		return &Problem{Status: 502, Slug: \"undecodable_response\", Message: \"the upgraded", inWebSocket},
	{"websocket: relay without a look", "mitm/upgrade.go", "	_, err := io.Copy(s, origin)\n", "	_, err := io.Copy(client, origin)\n", inWebSocket},
	{"websocket: a prompt waits for its end", "mitm/upgrade.go", "	s.timer.Reset(quiet)\n", "	s.timer.Reset(time.Hour)\n", inWebSocket},
	{"websocket: who has said all hears no more", "mitm/relay.go", "	if err != nil || closeWrite(dst) != nil {", "	if err != nil || l.cfg != nil {", inWebSocket},
	{"websocket: upgrades outlive their run", "mitm/upgrade.go", "	defer context.AfterFunc(ctx, l.cut)()\n", "	_ = ctx\n", inWebSocket},
	{"upgrades end with their request", "internal/engine/originbody.go", "		c.release() // who asked", "		_ = c // who asked", []string{"./internal/engine", "-run", "TestSwitched"}},

	{"pairs: early responses without end", "mitm/hints.go", "	if e.seen++; e.seen > maxEarly {", "	if e.seen++; e.seen > 1<<20 {", inPairs},
	{"pairs: early responses for HTTP/1.0", "mitm/exchange.go", "http1: r.ProtoAtLeast(1, 1)}", "http1: true}", inPairs},
	{"pairs: the length of a 304 is that of a body", "mitm/respond.go", "		resp.Body = http.NoBody // net/http misses", "		_ = resp.Body // net/http misses", inPairs},
	{"pairs: announce trailers to HTTP/1.0", "mitm/respond.go", "len(resp.Trailer) > 0 && r.ProtoAtLeast(1, 1) &&", "len(resp.Trailer) > 0 &&", inPairs},
	{"pairs: trailers behind HEAD", "mitm/respond.go", "r.ProtoAtLeast(1, 1) && !bodiless(r.Method, resp.StatusCode)", "r.ProtoAtLeast(1, 1)", inPairs},
	{"pairs: HTTP/1.0 waits for 100", "mitm/exchange.go", "		out.Header.Del(\"Expect\") // its client", "		_ = out.Header // its client", inPairs},
	{"pairs: 103 instead of 100", "internal/engine/roundtrip.go", "err != nil || status[0] != '1' ||", "err != nil || string(status) != \"100\" ||", inPairs},
	{"pairs: 103 in place of 100 over HTTP/2", "mitm/hints.go", "		e.w.WriteHeader(http.StatusContinue)\n", "", []string{"./mitm", "-run", "TestAskedBeforeAHint"}},
	{"pairs: trailers have to be announced", "internal/engine/serve.go", "			r.Trailer = http.Header{} // not all", "			_ = r.Trailer // not all", inPairs},
	{"pairs: write what may be no trailer", "internal/engine/roundtrip.go", "return !http1.MayTrail(f.Name) })", "return len(f.Name) == 0 })", inPairs},
	{"pairs: chunks for HTTP/1.0", "internal/engine/response.go", "http1.Framing{Kind: http1.Chunked}.For(w.minor), nil", "http1.Framing{Kind: http1.Chunked}.For(1), nil", inPairs},
	{"pairs: HTTP/1.0 is not told that its connection stays", "internal/engine/response.go", "	case w.minor == 0:\n", "	case w.minor < 0:\n", inPairs},
}
