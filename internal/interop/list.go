package main

// suites are all that we have, in the order of the table.
func suites() []suite {
	return []suite{
		{name: "grpc", about: "gRPC interop 1.85, Go's client", cases: 2 * len(grpcCases()), least: 2 * len(grpcCases()), gate: equal, run: runGRPC},
		{name: "h2spec", about: "h2spec 2.2.1", cases: 145, least: 141, gate: notWorse, run: runH2spec},
	}
}

func names() []string {
	var all []string
	for _, s := range suites() {
		all = append(all, s.name)
	}
	return all
}
