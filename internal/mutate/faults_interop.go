package main

// Faults that other people's suites notice, and faults in how they are judged.

var (
	inJudge   = []string{"./internal/interop", "-run", "TestJudge|TestReport"}
	inBroken  = []string{"./mitm", "-run", "TestBrokenFrames"}
	inReaders = []string{"./internal/interop", "-run", "TestRead"}
	inStays   = []string{"./internal/interop", "-run", "TestPytestStaysHere"}
	inGRPC    = []string{"./internal/interop", "-run", "TestGRPC$"}
)

var interopFaults = []fault{
	{"interop: a new difference is no failure", "internal/interop/suite.go", "		case differs:\n			r.fault(", "		case differs && listed:\n			r.fault(", inJudge},
	{"interop: reviewed differences stay for ever", "internal/interop/suite.go", "		case listed && v.Through == passed:\n			r.fault(", "		case listed && differs:\n			r.fault(", inJudge},
	{"interop: nothing has to pass straight", "internal/interop/suite.go", "u.gate != alone && r.Direct < u.least", "u.gate == alone && r.Direct < u.least", inJudge},
	{"interop: fewer cases will do", "internal/interop/suite.go", "	if r.Cases != u.cases {", "	if r.Cases > u.cases {", inJudge},
	{"interop: a suite that broke off passes", "internal/interop/suite.go", "	if err != nil {\n		r.Faults = append(", "	if err != nil && len(r.Faults) > 0 {\n		r.Faults = append(", inJudge},
	{"interop: trailers are lost", "mitm/respond.go", "	if hasTrailers(r, resp) {\n", "	if hasTrailers(r, resp) && r.ProtoMajor == 1 {\n", inGRPC},
	{"interop: refusals that a gRPC client cannot read", "mitm/exchange.go", "	if x.grpc {\n		p.writeStatus(w, x.id)\n		return\n	}\n", "", []string{"./internal/interop", "-run", "TestGRPCSecrets"}},
	{"interop: streams wait for more", "mitm/respond.go", "		if n < len(buf) && remaining != 0 {", "		if n < len(buf) && remaining > 0 {", []string{"./mitm", "-run", "TestStream|TestEvent"}},
	{"interop: worse than Go's own server", "mitm/proxy.go", "[]string{\"h2\", \"http/1.1\"},", "[]string{\"http/1.1\", \"h2\"}[:1],", []string{"./internal/interop", "-run", "TestH2spec"}},
	{"interop: what is held is gone", "internal/interop/slow.go", `case end[2] != "No open connections left":`, `case end[2] == "":`, inReaders},
	{"interop: what testssl.sh warns of passes", "internal/interop/testssl.go", "		if !slices.Contains([]string{", "		if f.Severity == \"CRITICAL\" && !slices.Contains([]string{", inReaders},
	{"interop: failed requests of a load pass", "internal/interop/load.go", "	case m[1] != want || m[2] != want:", "	case m[1] != want:", inReaders},
	{"interop: failed tests of a client pass", "internal/interop/pytest.go", "			case len(c.Failure)+len(c.Error) > 0:", "			case len(c.Failure) > 0:", inReaders},
	{"interop: tests of clients look any name up", "internal/interop/python/interop_local.py", `    if event in ("socket.getaddrinfo", "socket.gethostbyname"):`, `    if event == "socket.gethostbyname":`, inStays},
	{"interop: tests of clients reach any address", "internal/interop/python/interop_local.py", "    if not all(map(here, hosts)):", "    if not hosts:", inStays},
	{"interop: how WebSocket is closed does not count", "internal/interop/autobahn.go", "v.Behavior == \"OK\" && v.Close == \"OK\"", "v.Behavior == \"OK\" && v.Close != \"\"", inReaders},
	{"offer cipher suites in CBC mode", "mitm/proxy.go", "		CipherSuites:       authenticated(),\n", "		CipherSuites:       append(authenticated(), tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA),\n", []string{"./mitm", "-run", "TestCipherSuites"}},
	{"pass what is in compressed messages", "mitm/frames.go", "		h.Length = 0\n", "", inBroken},
	{"hide that an origin breaks the protocol", "mitm/flow.go", "	return begun != (h.OpCode == ws.OpContinuation)\n", "	return begun && h.OpCode == ws.OpClose\n", inBroken},
	{"go on behind a broken frame", "mitm/flow.go", "		if _, err := io.CopyN(io.Discard, f.src, h.Length); err != nil {", "		if _, err := io.CopyN(f.dst.dst, f.src, h.Length); err != nil {", inBroken},
}
