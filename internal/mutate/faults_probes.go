package main

var inProbe = []string{"./internal/probe"}

// inCore runs one client of the core.
func inCore(pair string) []string {
	return []string{"./internal/clientmatrix", "-run", "TestCoreOfClients/^" + pair + "$"}
}

var inReport = []string{"./internal/clientmatrix", "-run", "^(TestReportFails|TestJudge|TestPage)$"}

// probeFaults are of what asks with other people's clients.
var probeFaults = []fault{
	{"probes: a library that is not there is a failure", "internal/probe/probe.go", "const Absent = 77", "const Absent = 1", inProbe},
	{"probes: a program is taken from the working directory", "internal/probe/probe.go", "err == nil && filepath.IsAbs(found)", "err == nil", inProbe},
	{"probes: a .NET runtime without a compiler is a failure", "internal/probe/programs/dotnet.sh", "	mcs -nologo -r:System.Net.Http -out:probe.dll \"$1\" >&2 || exit 77", "	mcs -nologo -r:System.Net.Http -out:probe.dll \"$1\" >&2 || exit 1", inProbe},
	{"probes: an older SDK compiles", "internal/probe/programs/dotnet.sh", "| tail -n 1; }", "| sed -n 1p; }", inProbe},
	{"probes: Mono without a compiler is a failure", "internal/probe/programs/mono.sh", "|| exit 77", "|| exit 1", inProbe},
	{"advice: Mono is sent to a variable that it does not read", "cmd/agentsecrets/clientfix.go", "case \"mono\", \"mono-sgen\",", "case \"mono\",", []string{"./cmd/agentsecrets", "-run", "TestAdviceIsThePrograms"}},
	{"probes: the origin shows something else than what came", "internal/probe/origin.go", "return object{\"came\": came}\n}", "return object{\"came\": \"\"}\n}", inProbe},
	{"probes: Debian's LWP trusts the system's roots alone", "env/table.go", "{\"PERL_LWP_SSL_CA_FILE\", ", "{\"PERL_LWP_SSL_CA_FILES\", ", []string{"./env", "-run", "TestVarsOfAnEmptyEnvironment"}},
	{"probes: the log tells the origin's protocol for the client's", "mitm/exchange.go", "r.Method, r.Proto, parseTarget", "r.Method, \"HTTP/1.1\", parseTarget", []string{"./cmd/agentsecrets", "-run", "TestScripts/^loglevel$"}},
	{"core: Node is not led to the proxy", "env/child.go", "	w.node()\n", "", inCore("node-http2")},
	{"core: Python trusts and asks as it did", "env/child.go", "	w.python()\n", "", inCore("python-stripe-venv")},
	{"core: wget trusts the system's roots alone", "env/child.go", "	w.wget()\n", "", inCore("wget")},
	{"core: JVMs go past the proxy", "env/child.go", "	w.java()\n", "", inCore("java-httpclient")},
	{"core: HTTP/2 is not offered", "mitm/proxy.go", "NextProtos:         []string{\"h2\", ", "NextProtos:         []string{", inCore("curl")},
	{"clients: a miss that nobody knows passes", "internal/clientmatrix/report.go", "case !res.works && reason == \"\":", "case !res.works && reason == \"-\":", inReport},
	{"clients: a known miss that works passes", "internal/clientmatrix/report.go", "case res.works && reason != \"\":", "case res.works && reason == \"-\":", inReport},
	{"clients: a smaller set passes", "internal/clientmatrix/report.go", "len(r.results) < leastPairs || ", "", inReport},
	{"clients: a client that printed the value works", "internal/clientmatrix/judge.go", "	case forms != nil:", "	case forms == nil && err != nil && came.Probe == w.value:", inReport},
}
