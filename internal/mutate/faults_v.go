package main

// Faults for the rows of availability in docs/threats.md.
var vFaults = []rowFault{
	{"V2", "a run has all the connections", "mitm/limits.go", "	case run.load.conns >= p.cfg.maxRunConns():", "	case run.load.conns >= p.cfg.maxConns():", "./mitm"},
	{"V2", "no limit at all", "mitm/limits.go", "	case g.conns < g.proxy.cfg.maxConns():", "	case g.conns >= 0:", "./mitm"},
	{"V2", "streams are not counted", "mitm/limits.go", "		run.load.exchanges++\n", "", "./mitm"},
	{"V2", "nothing is given back", "mitm/limits.go", "	c.load.conns--\n	g.conns--\n", "	c.load.conns--\n", "./mitm"},
	{"V2", "idle connections stay", "mitm/limits.go", "		if victim = g.idlestLocked(); victim != nil {", "		if victim = g.idlestLocked(); victim != nil && g.conns < 0 {", "./mitm"},
	{"V2", "who has least makes room", "mitm/limits.go", "l.conns > most.conns || ", "l.conns < most.conns || ", "./mitm"},
	{"V2", "what is in use makes room", "mitm/limits.go", "		c.load.idle.Remove(c.idle)\n", "", "./mitm"},
	{"V2", "wait for who does not ask", "mitm/limits.go", "		time.AfterFunc(shedTime, func() { _ = c.Close() })\n", "", "./mitm"},
	{"V7", "exchanges are not recovered", "mitm/exchange.go", "	defer x.recovered(w)\n", "", "./mitm"},
	{"V7", "a response that has begun ends well", "mitm/panics.go", "		panic(http.ErrAbortHandler)\n	default:\n		x.proxy", "	default:\n		x.proxy", "./mitm"},
	{"V7", "an answer where a response has begun", "mitm/respond.go", "	x.answered = true\n	w.WriteHeader", "	w.WriteHeader", "./mitm"},
	{"V7", "the log tells what a panic said", "mitm/panics.go", `fmt.Sprintf("%T", v)`, `fmt.Sprintf("%T %v", v, v)`, "./mitm"},
	{"V7", "panics are not counted", "mitm/panics.go", "	c.observer().Panicked(in)\n", "", "./mitm"},
	{"V7", "dialling is not recovered", "mitm/origin.go", "(_ net.Conn, err error) {\n	defer d.cfg.rescue(\"dial\", &err)\n	host,", "(_ net.Conn, err error) {\n	host,", "./mitm"},
	{"V7", "addresses are looked at unrecovered", "mitm/origin.go", "	defer d.cfg.rescue(\"dial\", &err) // two", "	// two", "./mitm"},
	{"V7", "TLS toward origins is not recovered", "mitm/origin.go", "	defer d.cfg.rescue(\"dial\", &err)\n	raw,", "	raw,", "./mitm"},
	{"V7", "bodies that stream are not recovered", "mitm/body.go", "	defer s.x.proxy.cfg.rescue(\"body\", &err)", "", "./mitm"},
	{"V7", "hints are not recovered", "mitm/hints.go", "	defer e.x.proxy.cfg.rescue(\"hints\", &err)", "", "./mitm"},
	{"V7", "relays are not recovered", "mitm/relay.go", "l.cfg.safely(\"relay\", ", "(func(f func() error) func() error { return f })(", "./mitm"},
	{"V7", "upgrades are not recovered", "mitm/upgrade.go", "l.cfg.safely(\"upgrade\", func() error { return from.pass(heard{from.src, l}) })()", "from.pass(heard{from.src, l})", "./mitm"},
	{"V7", "handshakes are not recovered", "mitm/tunnel.go", "			t.Close() // it has", "			// it has", "./mitm"},
	{"V7", "what is no exchange is not recovered", "mitm/edge.go", "	defer p.recovered(w)\n", "", "./mitm"},
	{"V7", "bodies are sent unrecovered", "internal/engine/roundtrip.go", "		if v := recover(); v != nil {", "		if v := any(nil); v != nil {", "./internal/engine"},
	{"V7", "a store's panic ends all", "resolve/resolver.go", "		if recover() != nil {", "		if false {", "./resolve"},
}
