package main

// suites are all that we have, in the order of the table.
func suites() []suite {
	return []suite{
		{name: "grpc", about: "gRPC interop 1.85, Go's client", cases: 2 * len(grpcCases()), least: 2 * len(grpcCases()), gate: equal, run: grpcGo().run},
		{name: "grpcio", about: "gRPC interop 1.85, Python's grpcio", cases: 2 * len(grpcCases()), least: 2 * len(grpcCases()), gate: equal, run: grpcPython().run},
		{name: "h2spec", about: "h2spec 2.2.1", cases: 145, least: 141, gate: notWorse, run: runH2spec},
		{name: "autobahn", about: "Autobahn 25.10.1, server and client", cases: 602, least: 500, gate: equal, run: runAutobahn},
		{name: "slow", about: "slowhttptest 1.8.2", cases: len(slowCases()), gate: alone, run: runSlow},
		{name: "tls", about: "testssl.sh 3.0.8", cases: len(tlsFindings()) + 1, gate: alone, run: runTestssl},
		{name: "requests", about: "requests 2.34.2, its own tests", cases: 629, least: 600, gate: equal, run: requestsSuite().run},
		{name: "httpx", about: "httpx 0.28.1, its own tests", cases: 1411, least: 1380, gate: equal, run: httpxSuite().run},
		{name: "toxiproxy", about: "toxiproxy 2.5", cases: 2*len(toxics()) + 2, gate: alone, run: runToxiproxy},
		{name: "h2load", about: "h2load 1.52", cases: 2, gate: alone, run: runH2load},
		{name: "vegeta", about: "vegeta 12.13", cases: 3, gate: alone, run: runVegeta},
	}
}

func names() []string {
	var all []string
	for _, s := range suites() {
		all = append(all, s.name)
	}
	return all
}
