package main

// Faults that show only where much is carried.

var (
	inIdle    = []string{"./internal/soak", "-run", "TestIdleConnections"}
	inStreams = []string{"./internal/soak", "-run", "TestEventStreams"}
)

var soakFaults = []fault{
	{"soak: a response is read whole", "mitm/respond.go", "	defer x.heldBack(0)\n	rc := ", "	defer x.heldBack(0)\n	all, _ := io.ReadAll(src)\n	if err := x.give(w, all); err != nil {\n		return err\n	}\n	rc := ", inStreams},
	{"soak: an event waits for the next", "mitm/respond.go", "if n < len(buf) && remaining != 0 {", "if n < len(buf) && remaining > 0 {", inStreams},
	{"soak: connections of clients that left stay", "internal/engine/serve.go", "		c.raw.Close()\n		c.tell(http.StateClosed)\n", "		c.tell(http.StateClosed)\n", inIdle},
	{"soak: idle connections have large buffers", "internal/engine/serve.go", "const bufferSize = 4 << 10", "const bufferSize = 128 << 10", inIdle},
	{"soak: a holder of a socket is not found among many", "internal/peer/search_linux.go", "	slices.Reverse(all)\n", "	all = all[:min(len(all), 3)]\n", []string{"./internal/peer"}},
}
