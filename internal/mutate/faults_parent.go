package main

// parentFaults are of the proxy that we forward through.
var parentFaults = []fault{
	{"ask the parent for guarded addresses", "mitm/parent.go", "	if err := d.checkThrough(ctx, host, port); err != nil {", "	if err := d.checkThrough(ctx, host, port); err != nil && port == 0 {", inParent},
	{"ask the parent for names of ourselves", "mitm/parent.go", "	for _, addr := range addrs {", "	for _, addr := range addrs[:0] {", inParent},
	{"pinned hosts go through the parent", "mitm/origin.go", "	if d.cfg.Parent != nil && !pinned && !d.kind.loopback {", "	if d.cfg.Parent != nil {", inParent},
	{"the parent is ourselves", "mitm/parent.go", "		return d.checkAddr(address, true) //", "		return nil //", inParent},
	{"a parent's refusal is a tunnel", "mitm/parent.go", "	if resp.StatusCode < 200 || resp.StatusCode > 299 {", "	if resp.StatusCode < 200 {", inParent},
	{"send the parent no credential", "mitm/parent.go", `field != "" {`, `field == "-" {`, inParent},
	{"lose what the origin said first", "mitm/parent.go", "n > 0 { // the origin", "n > 1<<20 { // the origin", inParent},
}
