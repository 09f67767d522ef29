package main

// Faults for the rows of local processes, keys and files in docs/threats.md.
var lFaults = []rowFault{
	{"L1", "any token is a run's", "mitm/run.go", "subtle.ConstantTimeCompare(sum[:], r.sum[:]) == 1", "subtle.ConstantTimeCompare(sum[:], r.sum[:]) < 2", "./mitm"},
	{"L1", "a token outlives its run", "mitm/run.go", "append(p.runs.list[:i:i], p.runs.list[i+1:]...)", "append(p.runs.list[:i:i], p.runs.list[i:]...)", "./mitm"},
	{"L1", "a run's proxy listens everywhere", "cmd/agentsecrets/intercept.go", `address: "127.0.0.1:0"`, `address: "0.0.0.0:0"`, "./cmd/agentsecrets"},
	{"L1", "the daemon takes all users' programs", "cmd/agentsecrets/local.go", "	if uid != os.Geteuid() {", "	if uid == -2 && os.Geteuid() >= 0 {", "./cmd/agentsecrets"},
	{"L2", "addresses alone tell who asks", "internal/peer/peer.go", "	if openErr := open(conn); openErr != nil {", "	if openErr := open(conn); openErr != nil && conn == nil {", "./internal/peer"},
	{"L2", "believe a credential on a connection that is half closed", "cmd/agentsecrets/local.go", "	if errors.Is(err, peer.ErrNotFound) {", "	if errors.Is(err, peer.ErrNotFound) && uid < 0 {", "./cmd/agentsecrets"},
	{"L2", "a program that hides gets out of its run", "cmd/agentsecrets/local.go", "some || err != nil", "some && err != nil", "./cmd/agentsecrets"},
	{"L2", "a stolen credential is anybody's", "cmd/agentsecrets/local.go", "	if uid != os.Geteuid() {", "	if uid == -2 && os.Geteuid() >= 0 {", "./cmd/agentsecrets"},
	{"L7", "a run's CA is good for every host", "ca/ca.go", "ephemeralLife, c.Only)", "ephemeralLife, nil)", "./ca"},
	{"L7", "a run keeps its key in a file", "cmd/agentsecrets/intercept.go", "authority: origins.egress.authority, address", "authority: openRoot(w.home), address", "./cmd/agentsecrets"},
	{"L7", "a key that everybody may read", "ca/open.go", "atomicfile.Write(path, b.Bytes(), 0o600)", "atomicfile.Write(path, b.Bytes(), 0o640)", "./cmd/agentsecrets"},
	{"L8", "a new root signs at once", "ca/rotate.go", "earliest(next.made().Add(announced), current", "earliest(next.made(), current", "./ca"},
	{"L8", "the old root leaves bundles when the next one signs", "ca/open.go", "	a.other = other.cert\n", "", "./ca"},
	{"L8", "a certificate is recalled whatever the clock says", "ca/cache.go", "	if now.Before(k.from) || !now.Before(k.until) {", "	if now.Before(k.from) && !now.Before(k.until) {", "./ca"},
	{"L8", "nobody looks at the clock", "cmd/agentsecrets/reload.go", "	if before.Current() {", "	if before.Current() || len(h.where.home) > 0 {", "./cmd/agentsecrets"},
	{"L9", "believe any MAC", "allowlist/seal.go", "k.mac(s.Count, content))) != 1 {", "k.mac(s.Count, content))) > 1 {", "./allowlist"},
	{"L9", "a policy that is gone is an empty one", "allowlist/policy.go", "		if k.last().Count > 0 {\n", "		if k.id == \"\" {\n", "./allowlist"},
	{"L9", "recover without asking", "cmd/agentsecrets/recover.go", "[]allowlist.Change{change(\"recover\", \"\")}); err != nil {\n		return err", "[]allowlist.Change{change(\"recover\", \"\")}); err != nil && what == \"\" {\n		return err", "./cmd/agentsecrets"},
}
