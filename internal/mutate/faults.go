package main

var inMitm = []string{"./mitm"}

var (
	inPeer         = []string{"./internal/peer"}
	inDaemon       = []string{"./internal/daemon"}
	inDaemonScript = []string{"./cmd/agentsecrets", "-run", "TestScripts/daemon$"}
)

var (
	inRelay       = []string{"./mitm", "-run", "Rout|Relay|Distrust|Guarded|Intercepted"}
	inConstrained = []string{"./ca", "-run", "Constrain"}
	inParent      = []string{"./mitm", "-run", "Parent"}
	inParentFlag  = []string{"./cmd/agentsecrets", "-run", "TestScripts/^parent$"}
	inEgress      = []string{"./cmd/agentsecrets", "-run", "TestScripts/^egress$"}
)

var inPlaces = []string{"./mitm", "-run", "TestPlaces|TestAnywhere|TestValueNotAllowed|TestTextHosts|TestCodedBody"}

var inHTTP1 = []string{"./internal/http1", "-skip", "TestRoundTrip|TestProgramsInUse"}

var inSeal = []string{"./cmd/agentsecrets", "-run", "TestScripts/seal$"}

var (
	inChanges      = []string{"./cmd/agentsecrets", "-run", "TestScripts/changes$"}
	inRequestRules = []string{"./cmd/agentsecrets", "-run", "TestScripts/requestrules$"}
	inAllowTest    = []string{"./cmd/agentsecrets", "-run", "TestScripts/allowtest$"}
)

var inBind = []string{"./cmd/agentsecrets", "-run", "TestScripts/(bind|catalogue)$"}

var (
	inMetrics     = []string{"./metrics"}
	inMetricsFlag = []string{"./cmd/agentsecrets", "-run", "TestScripts/^metrics$|TestStatusIsLocal"}
)

var (
	inRedact     = []string{"./redact"}
	inAllowlist  = []string{"./allowlist"}
	inResolve    = []string{"./resolve"}
	inCmd        = []string{"./cmd/agentsecrets"}
	inAgefile    = []string{"./resolve/agefile", "-run", "TestRewrap$|Passphrase|Locked|Release"}
	inKeyring    = []string{"./internal/keyring"}
	inPassphrase = []string{"./cmd/agentsecrets", "-run", "TestScripts/passphrase"}
	inSetAll     = []string{"./resolve", "-run", "SetAll"}
	inEnvfile    = []string{"./internal/envfile"}
	inImport     = []string{"./cmd/agentsecrets", "-run", "TestScripts/import"}
	inCA         = []string{"./ca"}
	inAudit      = []string{"./audit", "-skip", "TestA2Many"}
	inEnv        = []string{"./env", "-run", "Python|Without|Vars"}
	inBench      = []string{"./internal/bench", "-run", "Compares|Failures"}
	inDemo       = []string{"./cmd/agentsecrets", "-run", "TestScripts/demo"}
	inMove       = []string{"./cmd/agentsecrets", "-run", "TestA5KilledMove"}
	inStores     = []string{"./cmd/agentsecrets", "-run", "TestScripts/keychain"}
	inKeychain   = []string{"./resolve/keychain"}
	inTold       = []string{"./cmd/agentsecrets", "-run", "TestScripts/^(told|call)$"}
)

var (
	inRead         = []string{"./audit", "-run", "Read|Follow|Tail"}
	inLogs         = []string{"./cmd/agentsecrets", "-run", "TestLogsFitTheScreen"}
	inShells       = []string{"./cmd/agentsecrets", "-run", "TestShells|TestPowerShell|TestDocker|TestSystemd"}
	inIntercept    = []string{"./cmd/agentsecrets", "-run", "TestScripts/intercept$"}
	inProject      = []string{"./cmd/agentsecrets", "-run", "TestScripts/project$"}
	inEnvironments = []string{"./cmd/agentsecrets", "-run", "TestScripts/environments$"}
)

// faults are ordered as an exchange goes: who, where, what, may it, put it in,
// send, take echoes out, write it down.
var faults = []fault{
	{"accept any credential", "mitm/run.go", "if subtle.ConstantTimeCompare(sum[:], r.sum[:]) == 1 {", "if subtle.ConstantTimeCompare(sum[:], r.sum[:]) < 2 {", inMitm},
	{"credential scheme is case-sensitive", "mitm/run.go", `!strings.EqualFold(scheme, "Basic")`, `scheme != "Basic"`, inMitm},
	{"revoking leaves connections open", "mitm/run.go", "	p.conns.closeOf(r)\n", "	p.conns.closeOf(nil)\n", inMitm},
	{"lose the bytes behind CONNECT", "mitm/edge.go", "if n := rw.Reader.Buffered(); n > 0 {", "if n := rw.Reader.Buffered(); n > 1<<20 {", inMitm},
	{"compare Host with itself", "mitm/exchange.go", "if !x.proxy.same(x.dest, text, port) {", "if !x.proxy.same(x.dest, x.dest.String(), port) {", inMitm},
	{"ignore the absolute form", "mitm/exchange.go", `if r.URL.IsAbs() {`, `if r.URL.Host == "-" {`, inMitm},
	{"ignore the server name", "mitm/tunnel.go", `if !t.dest.named(hello.ServerName) {`, `if !t.dest.named("") {`, inMitm},
	{"relay whatever server name", "mitm/relay.go", `	case !dest.named(name):`, `	case !dest.named(name) && name == "-":`, inRelay},
	{"relay before the hello is whole", "mitm/relay.go", "	first, err := firstBytes(t, t.dest)\n", "	first, err := io.Reader(t), error(nil)\n", inRelay},
	{"relay to private addresses where all is guarded", "mitm/relay.go", "relayed(route.Guarded)", "relayed(false)", inRelay},
	{"values go to relayed hosts", "mitm/route.go", "	if !x.route.Relay {", "	if x.route.Denied == nil {", inRelay},
	{"reach hosts that are denied", "mitm/route.go", "	p := *x.route.Denied\n	return &p\n", "	p := *x.route.Denied\n	_ = p\n	return nil\n", inRelay},
	{"guard nothing without a value", "mitm/exchange.go", "	if x.guarded || x.route.Guarded {\n		way", "	if x.guarded {\n		way", inRelay},
	{"relayed tunnels are not recorded", "mitm/relay.go", "	p.recordTunnel(t, http.StatusOK, passOn(t, origin))", "	_ = passOn(t, origin)", inRelay},
	{"a client that leaves without a word is not told of", "mitm/tunnel.go", "if t.shown.Load() && !t.asked.Load()", "if t.shown.Load() && t.asked.Load()", inRelay},
	{"other than TLS is closed without a reason", "mitm/tunnel.go", "	_, _ = t.Write(why.response(nil))", "	_ = why", inRelay},
	{"a run's CA is good for every host", "ca/ca.go", "ephemeralLife, c.Only)", "ephemeralLife, nil)", inConstrained},
	{"a run's CA is good for every address", "ca/constrain.go", "	if len(root.PermittedIPRanges) == 0 {", "	if len(root.PermittedIPRanges) > 1000 {", inConstrained},
	{"a run's CA without a host is good for all", "ca/constrain.go", "	if len(root.PermittedDNSDomains) == 0 {", "	if len(root.PermittedDNSDomains) > 1000 {", inConstrained},
	{"deny lets all out", "cmd/agentsecrets/egress.go", "	case list.Reaches(host, port):", "	case list != nil:", inEgress},
	{"what a run opens follows the allowlist", "cmd/agentsecrets/egress.go", "	e.frozen = policy.List(w.ProjectID)", "	_ = policy", inEgress},
	{"--tunnel is not heeded", "cmd/agentsecrets/egress.go", "	if e.tunnel.Reaches(host, port) {", "	if e.tunnel == nil {", inEgress},
	{"ask the parent for guarded addresses", "mitm/parent.go", "	if err := d.checkThrough(ctx, host, port); err != nil {", "	if err := d.checkThrough(ctx, host, port); err != nil && port == 0 {", inParent},
	{"ask the parent for names of ourselves", "mitm/parent.go", "	for _, addr := range addrs {", "	for _, addr := range addrs[:0] {", inParent},
	{"pinned hosts go through the parent", "mitm/origin.go", "	if d.cfg.Parent != nil && !pinned {", "	if d.cfg.Parent != nil {", inParent},
	{"the parent is ourselves", "mitm/parent.go", "		return d.checkAddr(address, true) //", "		return nil //", inParent},
	{"a parent's refusal is a tunnel", "mitm/parent.go", "	if resp.StatusCode < 200 || resp.StatusCode > 299 {", "	if resp.StatusCode < 200 {", inParent},
	{"send the parent no credential", "mitm/parent.go", `field != "" {`, `field == "-" {`, inParent},
	{"lose what the origin said first", "mitm/parent.go", "n > 0 { // the origin", "n > 1<<20 { // the origin", inParent},
	{"the parent counts for all names", "cmd/agentsecrets/parent.go", "!p.allNames && !r.everywhere && !isTestName(host)", "false", inParentFlag},
	{"adopt a proxy of ours", "cmd/agentsecrets/parent.go", "	if err == nil && a.isOurs(ctx, home, u) {", "	if err == nil && a.isOurs(ctx, home, u) && name == \"\" {", inParentFlag},
	{"the daemon adopts a parent", "cmd/agentsecrets/parent.go", `o.parent == "" && !o.adopts {`, `o.parent == "" && len(o.ca) > 99 {`, inParentFlag},
	{"NO_PROXY is not heeded", "cmd/agentsecrets/parent.go", "	if err == nil && via == nil {", "	if err == nil && via == nil && host == \"\" {", inParentFlag},
	{"the parent's password is an argument of the daemon", "cmd/agentsecrets/proxy.go", "p == parentEnv || p == parentNone {", "p != \"\" {", inParentFlag},
	{"send values over plaintext", "mitm/exchange.go", `if x.scheme != "https" {`, `if x.scheme == "-" {`, inMitm},
	{"values share connections with the rest", "mitm/exchange.go", "x.guarded = len(x.values) > 0 || x.live && x.reaches", "x.guarded = x.live", inMitm},
	{"do not guard the dialled address", "mitm/origin.go", "if d.guard && !pinned {", "if d.guard && pinned {", inMitm},
	{"dial our own listeners", "mitm/origin.go", "	if d.isOwn(to) {", "	if d.isOwn(netip.AddrPort{}) {", inMitm},
	{"send although the audit log failed", "mitm/record.go", `		return &Problem{Status: 503, Slug: "audit_unavailable", Message: "the audit log cannot be written, so no value is sent"}`, "		return nil", inMitm},
	{"record after sending", "mitm/exchange.go", "	if err := x.record(); err != nil {\n		return nil, err\n	}\n	if err := x.expandHead(out); err != nil {", "	if err := x.expandHead(out); err != nil {", inMitm},
	{"leave Basic credentials as they are", "mitm/walk.go", `if field != "Authorization" || len(value) < 6`, `if field != "Proxy-Authorization" || len(value) < 6`, inMitm},
	{"allow line breaks in fields", "mitm/find.go", "if !httpguts.ValidHeaderFieldValue(string(v)) {", "if string(v) == \"-\" && !httpguts.ValidHeaderFieldValue(string(v)) {", inMitm},
	{"keep the length of before expanding", "mitm/body.go", "		out.ContentLength = int64(len(b))\n", "		out.ContentLength = r.ContentLength\n", inMitm},
	{"expand hop-by-hop fields", "mitm/exchange.go", "	removeHopByHop(out.Header)\n	if lines", "	if lines", inMitm},
	{"do not release before sending", "mitm/exchange.go", "		x.run.released.Add(v)\n", "		_ = v\n", inMitm},
	{"pass early hints as they are", "mitm/hints.go", "	e.x.echoes.Add(e.x.run.released.Header(h))\n	e.w", "	e.w", inMitm},
	{"pass trailers as they are", "mitm/respond.go", "	x.echoes.Add(x.run.released.Header(t))\n", "", inMitm},
	{"announce trailers as they are", "mitm/respond.go", "		h.Add(\"Trailer\", string(name))\n", "		h.Add(\"Trailer\", k+string(name[:0]))\n", inMitm},
	{"call a broken response a whole one", "mitm/record.go", "	case x.broken != \"\":\n", "	case x.broken == \"-\":\n", inMitm},
	{"let exchanges outlive their credential", "mitm/run.go", "	r.end()\n", "", inMitm},
	{"forget bindings of what others keep", "cmd/agentsecrets/secrets.go", "!bound || len(held) > 0 {", "!bound {", inCmd},
	{"search compressed bytes", "mitm/respond.go", "	body, err := coding.Decode(coded, resp.Body)", "	body, err := coding.Decode(\"identity\", resp.Body)", inMitm},
	{"end a truncated body cleanly", "mitm/respond.go", "		panic(http.ErrAbortHandler) // the client must not take a part for the whole\n", "		return\n", inMitm},
	{"wait for a full buffer before flushing", "mitm/respond.go", "if n < len(buf) && remaining != 0 {", "if n == len(buf) && remaining != 0 {", inMitm},
	{"ask for a range where a value went", "mitm/respond.go", "		h.Del(\"Range\") // a slice may begin inside a value\n", "", inMitm},
	{"pass WebSocket fragments one by one", "mitm/upgrade.go", "h.OpCode.IsControl() || h.Fin && h.OpCode != ws.OpContinuation", "true || h.OpCode.IsControl()", inMitm},
	{"log the target after expansion", "mitm/walk.go", "	t := x.target // what audit shows stays as the client wrote it\n", "	t := x.target\n	defer func() { x.target = t }()\n", inMitm},
	{"pass bodies for models through expansion", "allowlist/text.go", "return hosts.TextHost(u.Host) && !l.asksFor(u)", "return hosts.TextHost(\"-\") && !l.asksFor(u)", inAllowlist},
	{"take cookies for one field", "mitm/walk.go", "	case field == \"Cookie\":\n", "	case field == \"-\":\n", inPlaces},
	{"believe a semicolon in quotes", "mitm/walk.go", "	if quotesSemicolon(line) {\n", "	if quotesSemicolon(line) && line == \"\" {\n", inPlaces},
	{"let a value end its cookie", "mitm/find.go", "	for _, c := range v {\n", "	for _, c := range v[:0] {\n", inPlaces},
	{"expand where a client came from", "mitm/walk.go", "	case neverExpanded(field):\n", "	case neverExpanded(\"-\" + field):\n", inPlaces},
	{"no placeholder is text", "mitm/find.go", "	if u.Place == place.Text && !x.anywhere {\n		return true", "	if u.Place == place.Text && !x.anywhere {\n		return false", inPlaces},
	{"body:any asks for nothing", "mitm/body.go", "	s.any = x.anywhere && !s.framed\n", "	s.any, x.anywhere = false, false\n", inPlaces},
	{"put values into gRPC's messages", "mitm/body.go", "	s.any = x.anywhere && !s.framed\n", "	s.any = x.anywhere\n", inPlaces},
	{"expand what has been put in", "mitm/syntax.go", "if err == nil && s.any && spellsPlain(v) {", "if err == nil && !s.any && spellsPlain(v) {", inPlaces},
	{"read compressed request bodies", "mitm/syntax.go", `if e != "" && !strings.EqualFold(e, "identity") {`, `if e == "-" {`, inPlaces},
	{"let a value end its part", "mitm/syntax.go", "		if bytes.Contains(v, []byte(delimiter)) {\n", "		if bytes.Equal(v, []byte(delimiter)) {\n", inPlaces},
	{"overlook percent escapes", "placeholder/mayhold.go", "return as&Percent != 0 && escapesWord(s)", "return as&Percent == 0 && escapesWord(s)", inPlaces},
	{"overlook base64", "placeholder/mayhold.go", "as&Base64 != 0 && len(s) >= minToken64", "as&Base64 != 0 && len(s) > 1<<20", inPlaces},
	{"forget why a body was cut off", "mitm/body.go", "		s.x.bodyStop = bodyProblem(err)\n", "		_ = bodyProblem(err)\n", inMitm},
	{"body:any takes any host", "allowlist/text.go", "		return l.Check(u) != nil\n", "		return !l.asksFor(u)\n", inAllowlist},
	{"search bodies to every host", "allowlist/text.go", "matchAny(b.Hosts, normal, port)", "normal != \"\"", inAllowlist},

	{"metrics for other machines", "cmd/agentsecrets/metrics.go", "n <= 65535 && webpage.IsLoopback(host) {", "n <= 65535 && host != \"-\" {", inMetricsFlag},
	{"metrics for web pages", "cmd/agentsecrets/health.go", "	return onlyLocal(mux)\n", "	return mux\n", inMetricsFlag},
	{"metrics: names for any token", "cmd/agentsecrets/metrics.go", "subtle.ConstantTimeCompare(got[:], want[:]) != 1 {", "subtle.ConstantTimeCompare(got[:], want[:]) > 1 {", inMetricsFlag},
	{"metrics: a damaged token will do", "cmd/agentsecrets/metrics.go", "if len(token) < len(rand.Text()) ||", "if len(token) < 0 ||", inMetricsFlag},
	{"metrics: our listener as an origin", "cmd/agentsecrets/metrics.go", "	h.proxy.NeverDial(l.Addr())\n", "", inMetricsFlag},
	{"metrics: ready without an audit log", "cmd/agentsecrets/wiring.go", `		return "audit_unavailable"`, `		return ""`, inMetricsFlag},
	{"metrics: ready without a store", "cmd/agentsecrets/wiring.go", `		return "store_locked"`, `		return ""`, inMetricsFlag},
	{"metrics: ready without a policy", "cmd/agentsecrets/wiring.go", `		return "policy_unreadable"`, `		return ""`, inMetricsFlag},
	{"metrics: check the audit log without writing", "audit/check.go", "f.Write(make([]byte, eventRoom))", "f.Write(nil)", []string{"./audit", "-run", "TestCheck"}},
	{"metrics: a name that no panel shows", "metrics/metrics.go", `in.counter("leaf_mints_total"`, `in.counter("leaves_total"`, []string{"./internal/clients", "-run", "TestPrometheus"}},
	{"any text becomes a label", "metrics/labels.go", "	return other\n", "	return value\n", inMetrics},
	{"a name that nobody stored becomes a label", "metrics/labels.go", "slices.Contains(n.stored(), name) {", "len(n.stored()) >= 0 {", inMetrics},
	{"names become labels without end", "metrics/labels.go", "!n.known[name] && len(n.known) < maxNames &&", "!n.known[name] &&", inMetrics},
	{"what a client makes up becomes a label", "metrics/labels.go", "	return other\n", "	return value\n", []string{"./mitm", "-run", "FuzzSeries"}},
	{"waiting for the client's body is ours", "mitm/body.go", "	defer x.waitedSince(x.proxy.cfg.now())\n	_, err := io.ReadFull(", "	_, err := io.ReadFull(", inMitm},
	{"waiting for the origin's body is ours", "mitm/observer.go", "	defer a.x.waitedSince(a.x.proxy.cfg.now())\n", "", inMitm},
	{"waiting for the client to read is ours", "mitm/respond.go", "	defer x.waitedSince(x.proxy.cfg.now())\n	_, err := w.Write(b)\n", "	_, err := w.Write(b)\n", inMitm},
	{"origins' time is ours", "mitm/respond.go", "	x.clock.from = x.proxy.cfg.now()\n", "", inMitm},
	{"refused connections count nowhere", "mitm/observer.go", "	p.cfg.observer().Refused(why.Slug)\n", "", inMitm},
	{"mentions as text count nowhere", "mitm/find.go", "	x.proxy.cfg.observer().Mentioned(u.Place)\n", "", inMitm},

	{"seal: write a file that an earlier version would break", "allowlist/policyfile.go", "		return policyVersion\n", "		return sealedVersion\n", inAllowlist},
	{"seal: believe any MAC", "allowlist/seal.go", "k.mac(s.Count, content))) != 1 {", "k.mac(s.Count, content))) > 1 {", inAllowlist},
	{"seal: believe an older policy", "allowlist/seal.go", "if s.Count < k.last().Count {", "if s.Count < 0*k.last().Count {", inAllowlist},
	{"seal: believe a policy whose seal was taken off", "allowlist/seal.go", "(k.last().Count > 0 || p.Version >= sealedVersion)", "p.Version >= sealedVersion", inAllowlist},
	{"seal: believe another workspace's policy", "allowlist/seal.go", "[]byte(k.id), []byte(strconv", "[]byte(\"-\"), []byte(strconv", inAllowlist},
	{"seal: a count that anybody may raise", "allowlist/seal.go", "[]byte(strconv.FormatUint(count, 10)), content}", "[]byte(strconv.FormatUint(0*count, 10)), content}", inAllowlist},
	{"seal: a policy that is gone is an empty one", "allowlist/policy.go", "		if k.last().Count > 0 {\n", "		if k.id == \"\" {\n", inAllowlist},
	{"seal: read the policy before its count", "allowlist/seal.go", "	if err := atomicfile.Write(path, data, 0o600); err != nil {\n		return err\n	}\n	k.Policies[k.id] = record{next, p.Password}\n	return k.save()\n",
		"	k.Policies[k.id] = record{next, p.Password}\n	if err := k.save(); err != nil {\n		return err\n	}\n	return atomicfile.Write(path, data, 0o600)\n", inAllowlist},
	{"seal: recover by the password in the edited file", "allowlist/recover.go", "known && r.Broken != nil {", "known && r.Broken == nil {", inAllowlist},
	{"seal: seal what nobody was shown", "allowlist/recover.go", "if !bytes.Equal(data, r.data) {", "if !bytes.Equal(data, data) {", inAllowlist},
	{"seal: recover without asking", "cmd/agentsecrets/recover.go", "[]allowlist.Change{change(\"recover\", \"\")}); err != nil {\n		return err", "[]allowlist.Change{change(\"recover\", \"\")}); err != nil && what == \"\" {\n		return err", inSeal},
	{"changes: forget what was refused", "cmd/agentsecrets/allowlog.go", "err = allowlist.NoteRefused(path, changes)", "err = allowlist.NoteRefused(path, changes[:0])", inChanges},
	{"changes: call what was refused done", "cmd/agentsecrets/allowlog.go", "		changes[i].Outcome = outcome\n", "		_, _ = i, outcome\n", inChanges},
	{"changes: note a change that failed", "allowlist/policy.go", "		return errors.Join(err, f.Close())\n", "		return errors.Join(err, f.write(p.notes))\n", inAllowlist},
	{"changes: make what cannot be noted", "allowlist/policy.go", "	f, err := openChanges(path)\n	if err != nil {\n		return err\n	}\n	if err := seal", "	f, err := openChanges(path)\n	if err != nil {\n		return sealPolicy(path, p)\n	}\n	if err := seal", inAllowlist},
	{"allowlist test: a denial ends with 0", "cmd/agentsecrets/allowtest.go", "	if !result.Allowed {\n", "	if !result.Allowed && o.noLookup {\n", inAllowTest},
	{"allowlist test: leave the addresses out of it", "cmd/agentsecrets/allowtest.go", "	t.Allowed = t.Allowed && some\n", "	_ = some\n", inAllowTest},
	{"allowlist test: plaintext is as good", "cmd/agentsecrets/allowtest.go", "	case scheme != \"https\":\n", "	case scheme == \"\":\n", inAllowTest},
	{"allowlist test: text is allowed", "cmd/agentsecrets/allowtest.go", "	case list.IsText(u, catalogue):\n", "	case list.IsText(u, catalogue) && u.Name == \"\":\n", inAllowTest},
	{"seal: recover inside a run", "cmd/agentsecrets/recover.go", "if err := outsideRun(what); err != nil {", "if err := outsideRun(what); err != nil && what == \"\" {", inSeal},
	{"seal: a broken one is a locked store", "cmd/agentsecrets/policies.go", "	if errors.As(err, &broken) {\n", "	if errors.As(err, &broken) && name == \"\" {\n", inSeal},

	{"fields name another method than policy sees", "mitm/exchange.go", "all, err := readings(u.Use, x.fields)", "all, err := readings(u.Use, nil)", []string{"./mitm", "-run", "TestOverrides"}},
	{"read each cookie line by itself", "mitm/exchange.go", "len(lines) > 1 {", "len(lines) > 99 {", []string{"./mitm", "-run", "TestCookieLines"}},
	{"fields name any number of requests", "mitm/overrides.go", "len(methods)*len(paths) > maxReadings", "len(methods)*len(paths) > 99*maxReadings", []string{"./mitm", "-run", "TestOverrides"}},
	{"name a body place unasked", "allowlist/binding.go", " && !b.asksInBodies(old) &&", " &&", []string{"./allowlist", "-run", "TestNarrows"}},
	{"skip the host check", "allowlist/allowlist.go", "if err != nil || !matchAny(l.Rules, host, u.Port) {", "if err != nil {", inAllowlist},
	{"rules: skip the method", "allowlist/request.go", `return r.Method == "" || r.Method == method`, `return r.Method == "" || method != ""`, inAllowlist},
	{"rules: skip the path", "allowlist/request.go", `return r.Path == "" || matchPath(r.Path, path)`, `return r.Path == "" || path != ""`, inAllowlist},
	{"rules: skip the place", "allowlist/request.go", "return place.Match(p, actual) })", "return place.Match(p, p) || actual == p })", inAllowlist},
	{"rules: half of a request by one, half by another", "allowlist/request.go", "if rules = only(rules, func(r Rule) bool { return r.allowsPlace(u.Place) }); len(rules) == 0 {", "if l := only(rules, func(r Rule) bool { return len(r.Places) == 0 || r.allowsPlace(u.Place) }); len(l) == 0 && len(rules) > 9 {", inAllowlist},
	{"rules: write one that an earlier version misreads", "allowlist/policyfile.go", "		return policyVersion\n	}\n	return sealedVersion\n", "		return sealedVersion\n	}\n	return sealedVersion\n", inAllowlist},
	{"rules: a binding's host with a method", "allowlist/policyfile.go", `texts(f, "hosts", ParseRule)`, `texts(f, "hosts", ParseRequestRule)`, inAllowlist},
	{"rules: add forgets its places", "cmd/agentsecrets/allowlist.go", "		rules[i].Places = places\n", "		rules[i].Places = places[:0]\n", inRequestRules},
	{"skip the binding's hosts", "allowlist/allowlist.go", "if len(b.Hosts) > 0 && !matchAny(b.Hosts, host, u.Port) {", "if len(b.Hosts) > 0 && host == \"\" {", inAllowlist},
	{"any port will do", "allowlist/rule.go", `if r.Host == "" || port != r.port() {`, `if r.Host == "" {`, inAllowlist},
	{"a wildcard takes a public suffix", "allowlist/rule.go", "parent == r.Host && !isPublic(host)", "parent == r.Host", inAllowlist},
	{"taking no-env away is no widening", "allowlist/binding.go", "(b.NoEnv || !old.NoEnv)", "(b.NoEnv || old.NoEnv || !old.NoEnv)", inAllowlist},
	{"a name is one of two providers", "allowlist/catalogue.txt", "names   OPENAI_*KEY\n", "names   OPENAI_*KEY GROQ_*KEY\n", inAllowlist},
	{"give no-env values to programs", "cmd/agentsecrets/spawn.go", "if policy.Bindings[w.ProjectID][name].NoEnv {", "if policy.Bindings[\"-\"][name].NoEnv {", inBind},
	{"widen without the password", "cmd/agentsecrets/bind.go", "if !b.Narrows(old) {", "if !b.Narrows(b) {", inBind},
	{"a value that is to be replaced may go further", "cmd/agentsecrets/bind.go", "			if len(held) == 0 {\n				continue", "			if len(held) >= 0 {\n				continue", inBind},
	{"a run deletes secrets", "cmd/agentsecrets/secrets.go", "if err := outsideRun(changingSecrets); err != nil {", "if err := error(nil); err != nil {", inBind},
	{"a run sets secrets", "cmd/agentsecrets/set.go", "if err := outsideRun(changingSecrets); err != nil {", "if err := error(nil); err != nil {", inBind},
	{"a run imports secrets", "cmd/agentsecrets/import.go", "if err := outsideRun(changingSecrets); err != nil {", "if err := error(nil); err != nil {", inBind},
	{"remove the last of a part", "cmd/agentsecrets/rebind.go", "if len(gone) > 0 && len(left) == 0 && len(have) > 0 {", "if len(gone) > 0 && len(left) == 0 && len(have) > 9 {", inBind},
	{"the catalogue binds again what is kept", "cmd/agentsecrets/bind.go", "		if len(held) == 0 {\n			known", "		if len(held) >= 0 {\n			known", inBind},

	{"copy each chunk that is fed", "redact/stream.go", "	w.held = append(w.store[:0], b[n:]...)\n", "	w.held = append(append([]byte(nil), b[:0]...), b[n:]...)\n", []string{"./redact", "-run", "AllocatesNothing|DoesNotAllocate"}},
	{"a buffer for each response", "mitm/respond.go", "	defer buffers.Put(buf)\n", "	defer buffers.New()\n", []string{"./mitm", "-run", "Allocates"}},
	{"compare no response of the benchmark", "internal/bench/client.go", "if !bytes.Equal(buf[:n], want) {", "if !bytes.Equal(buf[:n], buf[:n]) {", inBench},
	{"forget failures of the benchmark", "internal/bench/bench.go", "		case s.Failed > 0:\n", "		case s.Failed < 0:\n", inBench},
	{"hold nothing back", "redact/stream.go", "		n -= w.set.limits.holdback(b, t.blanks)\n", "		n -= 0 * w.set.limits.holdback(b, t.blanks)\n", inRedact},
	{"drop one base64 alignment", "redact/forms.go", "for before := range 3 {", "for before := range 2 {", inRedact},
	{"drop the URL alphabet of base64", "redact/forms.go", "{base64.RawStdEncoding, base64.RawURLEncoding}", "{base64.RawStdEncoding, base64.RawStdEncoding}", inRedact},
	{"undo one layer of escapes", "redact/scan.go", "if f.twice.unescape(f.once.text, t.blanks) {", "if f.twice.unescape(nil, t.blanks) {", inRedact},
	{"undo no escapes", "redact/scan.go", "	if f.once.unescape(b, t.blanks) {", "	if f.once.unescape(nil, t.blanks) {", inRedact},
	{"forget line breaks that are escaped", "redact/escapes.go", "		return unescaped{from: 2}\n", "		return unescaped{}\n", inRedact},
	{"do not join lines", "redact/scan.go", "	if f.once.join(b) {", "	if f.once.join(nil) {", inRedact},
	{"do not undo soft breaks", "redact/scan.go", "	if f.once.unquote(b) {", "	if f.once.unquote(nil) {", inRedact},
	{"look for no UTF-16", "redact/forms.go", "	d.add(inUTF16, utf16Forms(text)...)\n", "", inRedact},
	{"end runs at the NULs of UTF-16", "redact/run.go", "return len(b) >= 2 && b[len(b)-1] == 0 && !in.ends(b[len(b)-2])", "return len(b) < 0", inRedact},
	{"look for no quoted-printable", "redact/forms.go", "	d.add(inQuoted, quotedForms(text)...)\n", "", inRedact},
	{"look for values as if nothing were undone in them", "redact/forms.go", "if len(again) >= minPattern && !bytes.Equal(again, once) {", "if len(again) < 0 {", inRedact},
	{"read no body whole", "redact/body.go", "if size > 0 && size <= maxWhole", "if size < 0 && size <= maxWhole", inMitm},
	{"keep the tag of a body with an echo", "mitm/respond.go", "whole && redacted.Counts().Total() > 0 ||", "whole && redacted.Counts().Total() < 0 ||", inMitm},
	{"keep weak tags in If-Match", "mitm/respond.go", "strings.ReplaceAll(tags, `W/\"`, `\"`)", "strings.ReplaceAll(tags, `W/\"`, `W/\"`)", inMitm},
	{"keep digests of coded bytes", "mitm/respond.go", "	dropDigests(resp.Header)\n	weaken(resp.Header)\n", "	weaken(resp.Header)\n", inMitm},
	{"keep the coding of heads", "mitm/respond.go", "	resp.Header.Del(\"Content-Encoding\")\n", "", inMitm},
	{"decode bombs to their end", "internal/coding/layer.go", "l.out > freeOutput && l.out > maxRatio*l.chain.in", "l.out < 0", inMitm},
	{"name no forms in the audit log", "mitm/record.go", "	e.RedactedForms = slices.Sorted(maps.Keys(x.echoes))\n", "	_ = slices.Sorted(maps.Keys(x.echoes))\n", inMitm},
	{"redact nothing", "redact/redact.go", "	s.tables.Store(before.with(added, s.blanks))\n", "", inDemo},
	{"release nothing of the run", "mitm/exchange.go", "		x.run.released.Add(v)\n", "		_ = v\n", inDemo},

	{"print the value with %v", "resolve/value.go", "func (Value) String() string { return masked }", "func (v Value) String() string { return string(v.Reveal()) }", inResolve},
	{"print the value under every verb", "resolve/value.go", "func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }", "func (v Value) Format(f fmt.State, _ rune) { _, _ = io.Writer(f).Write(v.Reveal()) }", inResolve},
	{"encode the value", "resolve/value.go", "func (Value) MarshalText() ([]byte, error) { return []byte(masked), nil }", "func (v Value) MarshalText() ([]byte, error) { return v.Reveal(), nil }", inResolve},
	{"leave a part of a failed batch", "resolve/setall.go", "			err = s.Set(ctx, ref, old[i])\n", "			err = nil\n", inSetAll},
	{"list what a failed batch did not keep", "resolve/setall.go", "			return errors.Join(err, x.save(before))\n", "			return errors.Join(err, before.check())\n", inSetAll},
	{"leave the vault sealed to the old key", "resolve/agefile/rewrap.go", "s.sealBoth(all, fresh.Recipient())", "s.sealBoth(all, old.Recipient(), fresh.Recipient())", inAgefile},
	{"replace the identity before the vault knows it", "resolve/agefile/rewrap.go", "s.sealBoth(all, old.Recipient(), fresh.Recipient())", "s.sealBoth(all, old.Recipient())", []string{"./resolve/agefile", "-run", "TestA5KilledRewraps|TestReadersDuringRewrap"}},
	{"leave the backup to the old key", "resolve/agefile/rewrap.go", "	return atomicfile.Write(s.path(backupName), sealed, 0o600)\n", "	return nil\n", inAgefile},
	{"a new passphrase leaves the store unlocked", "resolve/agefile/rewrap.go", "s.keys.Forget(idOf(before))", "s.keys.Forget(idOf(before[1:]))", inAgefile},
	{"write the key of a store with a passphrase in clear", "resolve/agefile/identity.go", "	return identity, wrapped, nil\n", "	return identity, text, nil\n", inAgefile},
	{"caches outlive a lock", "resolve/agefile/generation.go", ` + "/" + s.keys.Generation(s.idAt(identity))`, ` + s.idAt(identity)[:0]`, inAgefile},
	{"keys that never end", "internal/keyring/keyring_linux.go", "id, int(d/time.Second), 0, 0)", "id, 0*int(d/time.Second), 0, 0)", inKeyring},
	{"keys that only their session can change", "internal/keyring/keyring_linux.go", "	return possessing(func() error {", "	return func(do func() error) error { return do() }(func() error {", inKeyring},
	{"keys for everybody", "internal/keyring/keyring_linux.go", "= 0x3f0b0000", "= 0x3f0b0b0b", inKeyring},
	{"a locked store is any failure", "cmd/agentsecrets/wiring.go", "	if errors.Is(err, resolve.ErrLocked) {", "	if err == nil {", inPassphrase},
	{"a new passphrase without the one before", "cmd/agentsecrets/passphrase.go", "	if lock.Passphrase {", "	if lock.Passphrase && !lock.Open {", inPassphrase},
	{"unlock inside a run", "cmd/agentsecrets/unlock.go", "	if err := outsideRun(what); err != nil {", "	if what == \"\" {\n		err := outsideRun(what)", inPassphrase},
	{"init gives a passphrase inside a run", "cmd/agentsecrets/init.go", "	if pp.any() { // whoever", "	if pp.any() && store == \"-\" { // whoever", inPassphrase},
	{"ask a store that hangs again and again", "resolve/resolver.go", "	if now.Before(r.silent) {", "	if now.Before(r.silent) && ref.Name == \"\" {", inResolve},
	{"try a store that hangs with every call", "resolve/resolver.go", "			r.silent = now.Add(r.config.timeout())\n", "			r.silent = now\n", inResolve},
	{"take a file for a keychain that is gone", "cmd/agentsecrets/homestore.go", "	if name == storeKeychain {\n		return h.keychain, nil\n	}", "	if name == storeKeychain && h.keychain.Ready(ctx) == nil {\n		return h.keychain, nil\n	}", inStores},
	{"another home's value is written over", "cmd/agentsecrets/move.go", "		if !ours.Equal(theirs) {", "		if ours.IsZero() && theirs.IsZero() {", inStores},
	{"a move leaves values where they were", "cmd/agentsecrets/move.go", "		err = deleteEach(ctx, s, all)\n", "		err = deleteEach(ctx, s, nil)\n", inMove},
	{"init changes the store", "cmd/agentsecrets/choosestore.go", "	if asked != \"\" && asked != r.Store {", "	if asked == \"-\" {", inStores},
	{"the helper asks not who reads", "cmd/agentsecrets/keychainhelper.go", "	case below:\n", "	case below && asker == 0:\n", inStores},
	{"the keychain's helper answers anybody", "resolve/keychain/asker_linux.go", "if err != nil || failed != nil || int(asker.Pid) != os.Getppid() {", "if err != nil || failed != nil || asker.Pid == 1 {", inKeychain},
	{"the keychain's helper reads inside a run", "resolve/keychain/serve.go", "	if r.Do == doGet {", "	if r.Do == doProbe {", inKeychain},
	{"the keychain's helper drops the lock", "resolve/keychain/process_unix.go", "func inherit(cmd *exec.Cmd, lock *os.File) { cmd.ExtraFiles = append(cmd.ExtraFiles, lock) }", "func inherit(*exec.Cmd, *os.File) {}", inKeychain},
	{"believe what a keychain says it kept", "resolve/keychain/entry.go", "	case kept != secret:", "	case kept == \"-\":", inKeychain},
	{"reconcile while a helper is at work", "resolve/index.go", "		if err := w.Settled(ctx); err != nil {", "		if err := w.Settled(ctx); err != nil && ctx == nil {", inKeychain},
	{"trim what stands in quotes", "internal/envfile/dotenv.go", "	value := d.take(end + 1)[1:end]\n", "	value := bytes.TrimSpace(d.take(end + 1)[1:end])\n", inEnvfile},
	{"take escapes as they are", "internal/envfile/dotenv.go", "			value = unescape(value)\n", "", inEnvfile},
	{"take a comment for a part of the value", "internal/envfile/dotenv.go", "			text = text[:i] // a comment\n", "", inEnvfile},
	{"take half of a surrogate pair", "internal/envfile/json.go", "strings.Count(s, replacement) > written", "strings.Count(s, replacement) > written+len(s)", inEnvfile},
	{"take the second of two", "internal/envfile/envfile.go", "before, twice := lines[e.Name]; twice", "before, twice := lines[e.Name]; twice && before < 0", inEnvfile},
	{"take references for values", "internal/envfile/envfile.go", `[]byte("op://")`, `[]byte("op:///")`, inEnvfile},
	{"import a part", "cmd/agentsecrets/import.go", "	if len(bad) > 0 {", "	if len(bad) > len(all)+9 {", inImport},
	{"import over what is kept", "cmd/agentsecrets/import.go", "len(r.Overwritten) == 0 || o.overwrite", "len(r.Overwritten) >= 0 || o.overwrite", inImport},
	{"show what may be a line of a value", "cmd/agentsecrets/import.go", "|| len(name) <= 24 {", "|| len(name) <= 240 {", inImport},
	{"a dry run keeps", "cmd/agentsecrets/import.go", "	if !o.dryRun {\n		if err", "	if o.dryRun || !o.dryRun {\n		if err", inImport},
	{"a root without key usage", "ca/root.go", "		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,\n", "", inCA},
	{"Python: trust what the client brings only", "env/files/sitecustomize.py", "        also(\"load_verify_locations\")\n", "", inEnv},
	{"Python: trust the system's roots only", "env/files/sitecustomize.py", "        also(\"set_default_verify_paths\")", "        also.__name__", inEnv},
	{"Python: let clients of our CA into servers", "env/files/sitecustomize.py", "if self.protocol == ssl.PROTOCOL_TLS_SERVER:", "if self.protocol == None:", inEnv},
	{"Python: stand in the way of sitecustomize", "env/files/sitecustomize.py", "        spec.loader.exec_module(module)\n\n\n_give_way()", "\n\n_give_way()", inEnv},
	{"Python: fail aloud", "env/files/sitecustomize.py", "if not told and sys.stderr", "if sys.stderr", inEnv},
	{"Python: hooks without end", "env/files/sitecustomize.py", "not in hooks]", "not in hooks[-1:]]", inEnv},
	{"Python: leave our hook in PYTHONPATH", "env/leave.go", "	v.leavePython(dir)\n", "", inEnv},
	{"begin a change without writing it down", "resolve/change.go", "		if err := x.saveChange(c); err != nil {\n			return err\n		}\n", "", inResolve},
	{"finish nothing that was cut short", "resolve/change.go", "	if err != nil || len(c.Steps) == 0 {\n		return err\n	}\n	if err := x.carryOut", "	if err != nil || len(c.Steps) < 99 {\n		return err\n	}\n	if err := x.carryOut", inResolve},
	{"finish a change again and again", "resolve/change.go", "finish what was interrupted: %w\", err)\n	}\n	return x.saveChange(change{Version: changeVersion})", "finish what was interrupted: %w\", err)\n	}\n	return nil", inResolve},
	{"keep the half of a change that failed", "resolve/change.go", "undo(ctx, s, refs, before, cause)", "undo(ctx, s, refs[:0], before, cause)", inResolve},
	{"set before what was cut short", "resolve/index.go", "	return x.alone(ctx, s, func() error {\n		if err := x.change(func(f *indexFile) { f.put(ref, x.now(), true) }); err != nil {\n			return err\n		}\n		if err := s.Set", "	return x.exclusively(func() error {\n		if err := x.change(func(f *indexFile) { f.put(ref, x.now(), true) }); err != nil {\n			return err\n		}\n		if err := s.Set", inResolve},
	{"merge over what both have", "cmd/agentsecrets/transfer.go", "	if len(p.Conflicts) > 0 {", "	if len(p.Conflicts) > 99 {", inEnvironments},
	{"change many secrets unasked", "cmd/agentsecrets/transfer.go", "	if yes {\n		return nil", "	if yes || what != \"\" {\n		return nil", inEnvironments},
	{"preview and do it", "cmd/agentsecrets/transfer.go", "	if o.dryRun {\n		return a.print(p, show)\n	}\n", "", inEnvironments},
	{"switch the environment from inside a run", "cmd/agentsecrets/environment.go", "	if err := outsideRun(\"switching the environment\"); err != nil {\n		return err\n	}\n", "", inIntercept},
	{"copy secrets from inside a run", "cmd/agentsecrets/transfer.go", "are both %s\", from)\n	}\n	if !o.dryRun {", "are both %s\", from)\n	}\n	if false {", inIntercept},
	{"delete the project that the proxy serves", "cmd/agentsecrets/projectchange.go", "askDaemon(ctx, w.home); err == nil && (", "askDaemon(ctx, w.home); err != nil && (", inProject},
	{"list what was cut short", "cmd/agentsecrets/secrets.go", "	if err := w.settle(ctx); err != nil {\n		return err\n	}\n", "", inEnvironments},
	{"lose what a later version wrote of a project", "env/projects.go", "		if err := change(&o); err != nil {", "		o = nil\n		if err := change(&o); err != nil {", []string{"./env", "-run", "Project"}},
	{"read logs from their beginning", "audit/tail.go", "for len(h) > 0 && (f.Last <= 0 || len(events) < f.Last) {", "for len(h) > 0 {", inRead},
	{"follow no log that is set aside", "audit/follow.go", "	for _, m := range w.marks {\n		if os.SameFile(m.info, info) {\n			return m\n		}\n	}\n", "", inRead},
	{"take a new log for the one before", "audit/follow.go", "known != nil && known.begins(file) {", "known != nil {", inRead},
	{"read half a line", "audit/follow.go", "		if errors.Is(err, io.EOF) {\n			return events, nil", "		if errors.Is(err, io.EOF) && len(line) == 0 {\n			return events, nil", inRead},
	{"wait for what the system never tells", "audit/follow.go", "	blindPoll   = 300 * time.Millisecond", "	blindPoll   = 300 * time.Hour", inRead},
	{"draw beyond the screen", "cmd/agentsecrets/proxylogs.go", "if lipgloss.Width(drawn) <= width {", "if lipgloss.Width(drawn) >= width {", inLogs},
	{"quote nothing in sh", "cmd/agentsecrets/shells.go", "strings.ReplaceAll(s, \"'\", `'\\''`)", "strings.ReplaceAll(s, \"'\", `'`)", inShells},
	{"forget fish's backslash", "cmd/agentsecrets/shells.go", "strings.NewReplacer(`\\`, `\\\\`, \"'\", `\\'`)", "strings.NewReplacer(\"'\", `\\'`)", inShells},
	{"forget PowerShell's other quotes", "cmd/agentsecrets/shells.go", `"'", "\u2018", `, `"'", `, inShells},
	{"forget systemd's backslash", "cmd/agentsecrets/shells.go", "`\\`, `\\\\`, `\"`, ", "`\"`, ", inShells},
	{"two lines for Docker", "cmd/agentsecrets/shells.go", `strings.ContainsAny(s, "\r\n")`, `strings.ContainsAny(s, "\r")`, inShells},
	{"origin flags are free for all names", "cmd/agentsecrets/origins.go", `if real := r.realNames(); r.everywhere || real != "" {`, `if real := r.realNames(); r.everywhere && real != "" {`, inCmd},
	{"extra roots count for all names", "cmd/agentsecrets/origins.go", "	if r.everywhere || isTestName(host) {\n		return r.roots", "	if r.roots.Load() != nil || isTestName(host) {\n		return r.roots", inCmd},

	{"tell who asks at each request", "mitm/local.go", "sync.OnceValues(func() (RunOf, error) { return p.cfg.Local(conn) }))", "func() (RunOf, error) { return sync.OnceValues(func() (RunOf, error) { return p.cfg.Local(conn) })() })", inMitm},
	{"a credential is enough for whoever has it", "mitm/local.go", "	if refusal != nil {\n		return nil, refusal\n	}\n	if field", "	if refusal != nil && r.Header.Get(\"Proxy-Authorization\") == \"\" {\n		return nil, refusal\n	}\n	if field", inMitm},
	{"look in each run for what it alone was given", "mitm/run.go", "		sent: p.sent,\n", "		sent: newSent(),\n", inMitm},
	{"addresses alone tell who asks", "internal/peer/peer.go", "	if err := open(conn); err != nil {", "	if err := open(conn); err != nil && conn == nil {", inPeer},
	{"any program may use a port that is ours", "internal/webpage/webpage.go", "return !IsLoopback(r.Host) || marked(r.Header)", "return marked(r.Header)", []string{"./internal/webpage"}},
	{"who asked once may ask for ever", "internal/daemon/control.go", "	srv.SetKeepAlivesEnabled(false)\n", "", inDaemon},
	{"take other users' programs", "cmd/agentsecrets/local.go", "	if uid != os.Geteuid() {", "	if uid == -1 && os.Geteuid() >= 0 {", inDaemonScript},
	{"take programs of runs", "cmd/agentsecrets/local.go", "		if inside {\n", "		if inside && p.PID == 0 {\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/local$"}},
	{"listen on one loopback address", "cmd/agentsecrets/serve.go", "		h.also, err = listenToo(h.port())\n", "		h.also = nil\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/local$"}},
	{"all programs get the project of the first", "cmd/agentsecrets/doors.go", "	if e := d.open[key]; e != nil {\n", "	for _, e := range d.open {\n", inDaemonScript},
	{"programs in no project get that of the start", "cmd/agentsecrets/doors.go", `q.Workspace == "" && d.named {`, `q.Workspace == "" {`, inDaemonScript},
	{"a project file chooses the workspace", "cmd/agentsecrets/doors.go", "	case p.WorkspaceID != w.WorkspaceID:", `	case p.WorkspaceID == "-":`, inDaemonScript},
	{"take projects that nobody made known", "cmd/agentsecrets/doors.go", "	case errors.As(err, &unknown), err == nil && p.ID != w.ProjectID:", `	case errors.As(err, &unknown) && p.ID == "-":`, inDaemonScript},
	{"flags of one workspace count for all", "cmd/agentsecrets/doors.go", `	case d.only != "" && d.only != w.WorkspaceID:`, `	case d.only != "" && d.only == "-":`, inDaemonScript},
	{"a connection keeps its environment", "cmd/agentsecrets/doors.go", `	if pinned || w.File == "" {`, `	if pinned || w.File != "-" {`, inDaemonScript},
	{"reloading takes other roots without the password", "cmd/agentsecrets/origins.go", "	if r.everywhere && now.sum != r.roots.Load().sum {", "	if r.everywhere && now.sum == [sha256.Size]byte{1} {", []string{"./cmd/agentsecrets", "-run", "TestReloadRoots"}},
	{"stopping cuts what is under way", "cmd/agentsecrets/serve.go", "			return d\n", "			return 0 * d\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/proxy$"}},
	{"answer all users at the control socket", "internal/daemon/control.go", "		if peerOf(r).uid != os.Geteuid() {", "		if peerOf(r).uid == -2 && os.Geteuid() >= 0 {", inDaemon},
	{"runs control the proxy", "internal/daemon/control.go", "inside || err != nil {", "inside && err != nil {", inDaemon},
	{"believe any control socket", "internal/daemon/ask.go", "err != nil || p.uid != os.Geteuid() {", "err != nil || p.uid < 0 && os.Geteuid() >= 0 {", inDaemon},
	{"start several at once", "internal/daemon/daemon.go", "filepath.Join(home, startFile)", "filepath.Join(home, startFile+time.Now().String())", inDaemon},
	{"an interrupted call is a success", "cmd/agentsecrets/callwriter.go", "case w.stopped && (w.cut || w.status == 0):", "case w.stopped && w.cut && w.status == 0:", inTold},
	{"give values to who forgot --intercept", "cmd/agentsecrets/run.go", "if !o.intercept && o.origins.any() {", "if o.intercept && o.quiet && o.origins.any() {", inTold},
	{"a result that was not written is a success", "cmd/agentsecrets/output.go", "	if _, err := io.WriteString(a.results(), visible.Text(b.String())); err != nil {", "	if _, err := io.WriteString(a.results(), visible.Text(b.String())); err != nil && len(a.words) == 0 {", inTold},
	{"ask for a value that cannot be allowed", "cmd/agentsecrets/set.go", "	if o.allow {\n		names, err := checkNames(args)", "	if o.allow && o.stdin {\n		names, err := checkNames(args)", inTold},

	{"audit: chain without a key", "audit/chain.go", "		m := hmac.New(sha256.New, key)\n", "		m := hmac.New(sha256.New, key[:0])\n", inAudit},
	{"audit: a new file begins a new chain", "audit/rotate.go", "	f.head.Next, f.head.Size, f.torn = f.head.Next+1, 0, false\n", "	f.head.Next, f.head.Size, f.torn, f.head.Last = f.head.Next+1, 0, false, f.head.Begin\n", inAudit},
	{"audit: thinning is not known to the head", "audit/rotate.go", "			f.head.Begin = l\n", "			_ = l\n", inAudit},
	{"audit: forget what others wrote", "audit/file.go", "	if _, l, ok := split(line); ok {\n			f.head.Last = l\n", "	if _, l, ok := split(line); ok {\n			_ = l\n", inAudit},
	{"audit: a key each", "audit/key.go", "	if key, err := k.Read(); key != nil || err != nil {\n		return key, err // made while we waited\n	}\n", "", []string{"./audit", "-run", "TestKeyIsMadeOnce|TestA2Many"}},
	{"audit: a key of any length", "audit/key.go", "if err != nil || len(key) != keySize {", "if err != nil {", inAudit},
	{"audit: prune what runs", "audit/prune.go", "	return !ok || err != nil\n", "	return ok && err != nil\n", inAudit},
	{"audit: prune without a record", "audit/prune.go", "	if err := p.Record(pruneEvent(p.Now(), logs)); err != nil {", "	if err := p.Record(pruneEvent(p.Now(), logs)); err == nil && p.Key == nil {", inAudit},
	{"audit: a log that others can read", "internal/atomicfile/private.go", "	if err := private(f, path); err != nil {\n		f.Close()\n		return nil, err\n	}\n	return f, nil", "	return f, nil", inAudit},
	{"audit: a directory that others can change", "audit/explicit.go", "shared && checksModes {", "shared && !checksModes {", inAudit},
	{"audit: --audit-sync waits for nothing", "audit/log.go", "return l.file.append(line, l.wait || l.failed)", "return l.file.append(line, l.failed)", inAudit},
	{"audit: write without a key", "audit/file.go", "		key, err := f.key()\n		if err != nil {\n			return err\n		}\n", "		key, _ := f.key()\n", inAudit},
	{"audit: send first, then record", "mitm/exchange.go", "	if err := x.record(); err != nil {\n		return nil, err\n	}\n	if err := x.expandHead(out); err != nil {", "	defer func() { go x.record() }()\n	if err := x.expandHead(out); err != nil {", []string{"./mitm", "-run", "TestEveryExpansion"}},
	{"audit: what streams is not recorded", "mitm/body.go", "	if len(x.uses) > before {\n", "	if len(x.uses) < before {\n", []string{"./mitm", "-run", "TestEveryExpansion"}},
	{"audit: mentions go unrecorded", "mitm/record.go", "len(x.uses)+len(x.mentions) == 0", "len(x.uses) == 0", []string{"./mitm", "-run", "TestTextPasses"}},
	{"audit: sync and record no head", "audit/log.go", "		err = l.file.keys.writeHead(headAt, l.file.path, known)\n", "		_ = known\n", inAudit},
	{"audit: log prune inside a run", "cmd/agentsecrets/log.go", "	if err := outsideRun(\"removing audit logs\"); err != nil {\n		return err\n	}\n", "", []string{"./cmd/agentsecrets", "-run", "TestScripts/^log$"}},
	{"audit: bad files are no failure", "cmd/agentsecrets/log.go", "	if bad > 0 {\n", "	if bad > 1<<20 {\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/^log$"}},
	{"audit: explain names no rule", "cmd/agentsecrets/policies.go", "	return list.Deciding(useOf(u))\n", "	_ = list\n	return nil\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/^explain$"}},
	{"lose what no column has room for", "cmd/agentsecrets/output.go", "t.Width(columns).Wrap(true).BorderRow(true)", "t.Width(columns).BorderRow(true)", []string{"./cmd/agentsecrets", "-run", "TestGridFits"}},
	{"blame the API for a full disk", "cmd/agentsecrets/callwriter.go", "	case w.unwritten != nil:", "	case w.unwritten != nil && w.status == 0:", inTold},

	{"http1: write values that end their line", "internal/http1/writer.go", "ok = ok && isToken(field.Name) && isText(field.Value)", "ok = ok && isToken(field.Name)", inHTTP1},
	{"http1: write half of a bad head", "internal/http1/writer.go", "	if !ok || f.Length < 0 {\n		return w.stop(ErrHead)\n	}\n", "	defer func() {\n		if !ok {\n			w.stop(ErrHead)\n		}\n	}()\n", inHTTP1},
	{"http1: keep the origin's length", "internal/http1/writer.go", "		case k != contentLength && k != transferEncoding:", "		case k != transferEncoding:", inHTTP1},
	{"http1: end a body that is too short", "internal/http1/writer.go", "	case w.kind == Sized && w.left != 0:", "	case w.kind == Sized && w.left < 0:", inHTTP1},
	{"http1: a body behind 304", "internal/http1/writer.go", "	case status == 304:\n		return f.Kind == NoBody || f.Kind == Announced\n", "", inHTTP1},
	{"http1: write any trailer", "internal/http1/writer.go", "ok, _ := mayTrail(f.Name); !ok || ", "", inHTTP1},
	{"http1: a write for each part", "internal/http1/writer.go", "	n, err := w.bw.Write(p)\n	return n, w.fail(err)\n", "	n, err := w.bw.Write(p)\n	w.bw.Flush()\n	return n, w.fail(err)\n", inHTTP1},
	{"http1: a truncated body ends well", "internal/http1/body.go", "		err = io.ErrUnexpectedEOF\n", "		err = io.EOF\n", inHTTP1},
	{"http1: wait while there is something to give", "internal/http1/chunks.go", "b.err == nil && (n == 0 || b.atHand())", "b.err == nil", inHTTP1},
	{"http1: extensions without end", "internal/http1/chunks.go", "	if b.excess > maxExcess {", "	if b.excess > maxExcess<<20 {", inHTTP1},
	{"http1: trailers that change what was decided", "internal/http1/chunks.go", "		if is(name, n) {\n", "		if is(name, n) && len(n) < 5 {\n", inHTTP1},
	{"http1: heads of any size", "internal/http1/http1.go", "	case len(h.buf) > lim.Bytes:", "	case len(h.buf) > lim.Bytes<<20:", inHTTP1},
	{"http1: any number of fields", "internal/http1/http1.go", "lines++; lines > lim.Fields+1 {", "lines++; lines > lim.Fields+2 {", inHTTP1},
	{"http1: any number of options", "internal/http1/known.go", "s.optionBytes > maxOptions {", "s.optionBytes > maxOptions<<10 {", inHTTP1},
	{"http1: a response is the client's fault", "internal/http1/response.go", "		return refuse(502, bad.Reason)\n", "		return bad\n", inHTTP1},
	{"http1: a control in a reason", "internal/http1/response.go", " || !isText(reason) {", " {", inHTTP1},
	{"http1: bodies of responses to HEAD", "internal/http1/response.go", `	case method == "HEAD", status == 304:`, `	case status == 304:`, inHTTP1},
	{"http1: pass on what Connection names", "internal/http1/connection.go", "			if same(o, name) {\n", "			if same(o, name) && len(name) < 3 {\n", inHTTP1},
	{"http1: let Connection name Host", "internal/http1/connection.go", "case k != host && k != contentLength", "case k != contentLength", inHTTP1},
	{"http1: pass on fields of proxies", "internal/http1/connection.go", `startsWith(name, "proxy-") || `, "", inHTTP1},
	{"http1: switch to HTTP/2 in clear", "internal/http1/connection.go", `startsWith(e, "h2c") || `, "", inHTTP1},
	{"http1: HTTP/1.0 stays open", "internal/http1/connection.go", "(minor > 0 || o&keepsAlive != 0)", "(minor >= 0 || o&keepsAlive != 0)", inHTTP1},
	{"http1: an allocation a head", "internal/http1/http1.go", "		heads.Put(h)\n", "		_ = h\n", inHTTP1},
	{"http1: merge in the order of names", "internal/http1/header.go", "		if n := count(like[:i], f.Name); n < len(values) {", "		if n := count(like[:i], f.Name); n < len(values) && i%2 == 0 {", inHTTP1},
}
