package main

// Faults that other people's suites notice, and faults in how they are judged.

var (
	inJudge = []string{"./internal/interop", "-run", "TestJudge|TestReport"}
	inGRPC  = []string{"./internal/interop", "-run", "TestGRPC"}
)

var interopFaults = []fault{
	{"interop: a new difference is no failure", "internal/interop/suite.go", "		case differs:\n			r.fault(", "		case differs && listed:\n			r.fault(", inJudge},
	{"interop: reviewed differences stay for ever", "internal/interop/suite.go", "		case listed:\n			r.fault(", "		case listed && differs:\n			r.fault(", inJudge},
	{"interop: nothing has to pass straight", "internal/interop/suite.go", "u.gate != alone && r.Direct < u.least", "u.gate == alone && r.Direct < u.least", inJudge},
	{"interop: fewer cases will do", "internal/interop/suite.go", "	if r.Cases != u.cases {", "	if r.Cases > u.cases {", inJudge},
	{"interop: a suite that broke off passes", "internal/interop/suite.go", "	if err != nil {\n		r.Faults = append(", "	if err != nil && len(r.Faults) > 0 {\n		r.Faults = append(", inJudge},
	{"interop: trailers are lost", "mitm/respond.go", "	x.writeTrailer(w, resp)\n}", "	if r.ProtoMajor == 1 {\n		x.writeTrailer(w, resp)\n	}\n}", inGRPC},
	{"interop: streams wait for more", "mitm/respond.go", "		if n < len(buf) && remaining != 0 {", "		if n < len(buf) && remaining > 0 {", inGRPC},
	{"interop: worse than Go's own server", "mitm/proxy.go", "[]string{\"h2\", \"http/1.1\"},", "[]string{\"http/1.1\", \"h2\"}[:1],", []string{"./internal/interop", "-run", "TestH2spec"}},
}
