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
}
