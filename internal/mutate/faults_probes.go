package main

var inProbe = []string{"./internal/probe"}

// probeFaults are of what asks with other people's clients.
var probeFaults = []fault{
	{"probes: a library that is not there is a failure", "internal/probe/probe.go", "const Absent = 77", "const Absent = 1", inProbe},
	{"probes: a program is taken from the working directory", "internal/probe/probe.go", "err == nil && filepath.IsAbs(found)", "err == nil", inProbe},
	{"probes: the origin shows something else than what came", "internal/probe/origin.go", "return object{\"came\": came}\n}", "return object{\"came\": \"\"}\n}", inProbe},
	{"probes: Debian's LWP trusts the system's roots alone", "env/table.go", "{\"PERL_LWP_SSL_CA_FILE\", ", "{\"PERL_LWP_SSL_CA_FILES\", ", []string{"./env", "-run", "TestVarsOfAnEmptyEnvironment"}},
	{"probes: the log tells the origin's protocol for the client's", "mitm/exchange.go", "r.Method, r.Proto, parseTarget", "r.Method, \"HTTP/1.1\", parseTarget", []string{"./cmd/agentsecrets", "-run", "TestScripts/^loglevel$"}},
}
