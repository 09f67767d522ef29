package main

// Faults in what is done for one protocol.

var inMessages = []string{"./mitm", "-run", "TestMessages|TestGRPC"}

var protocolFaults = []fault{
	{"grpc: ask for compressed messages", "mitm/grpc.go", "		case x.reaches:\n			delete(h, field)\n", "", inMessages},
	{"grpc: ask for any coding elsewhere", "mitm/grpc.go", "			h[field] = []string{readable(lines)}\n", "			_ = lines\n", inMessages},
	{"grpc: pass compressed messages", "mitm/messages.go", "	case compressed && !search:", "	case compressed:", inMessages},
	{"grpc: pass what no coding of ours undoes", "mitm/messages.go", "		return nil, errCoding\n", "		return b, nil\n", inMessages},
	{"grpc: a message of any size", "mitm/messages.go", "	case size > maxExpanded:\n", "	case size < 0:\n", inMessages},
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
}
