package main

var inProbe = []string{"./internal/probe"}

// probeFaults are of what asks with other people's clients.
var probeFaults = []fault{
	{"probes: a library that is not there is a failure", "internal/probe/probe.go", "const Absent = 77", "const Absent = 1", inProbe},
	{"probes: a program is taken from the working directory", "internal/probe/probe.go", "err == nil && filepath.IsAbs(found)", "err == nil", inProbe},
	{"probes: the origin shows something else than what came", "internal/probe/origin.go", "return object{\"came\": came}\n}", "return object{\"came\": \"\"}\n}", inProbe},
}
