package main

// Faults for the rows of records and storage in docs/threats.md.
var aFaults = []rowFault{
	{"A1", "hidden characters as they are", "internal/visible/visible.go", "	if isPlain(b) {", "	if len(b) > 0 {", "./mitm"},
	{"A1", "a terminal obeys what messages quote", "internal/visible/visible.go", "|| Is(r) {", "|| Is(r) || r < ' ' {", "./cmd/agentsecrets"},
	{"A1", "a table shows what was stored as it is", "cmd/agentsecrets/output.go", "if visible.Is(r) && r != '│' {", "if r != '│' {", "./cmd/agentsecrets"},
	{"A1", "the log of changes has no end", "allowlist/changelog.go", "info.Size() >= changesLimit", "info.Size() < 0", "./allowlist"},
	{"A2", "a line may be edited", "audit/verify.go", "case !w.keys.follows(w.prev, body, l):", "case len(body) == 0 || l == w.prev:", "./audit"},
	{"A2", "links do not depend on the line before", "audit/chain.go", "	want := sum(k.line, prev[:], body)\n", "	want := l\n	_ = sum(k.line, prev[:], body)\n", "./audit"},
	{"A2", "no cut is missed", "audit/verify.go", "	if !w.met && len(w.list) > 0 {", "	if !w.met && len(w.list) > 1<<20 {", "./audit"},
	{"A2", "a head for any log", "audit/head.go", "h.MAC = sum(k.head, h.bytes(), []byte(filepath.Base(path)))", "h.MAC = sum(k.head, h.bytes())", "./audit"},
	{"A2", "heads need no MAC", "audit/head.go", "if err != nil || !hmac.Equal(want, b) {", "if err != nil || hmac.Equal(want, b[:0]) {", "./audit"},
	{"A2", "go on behind a cut", "audit/file.go", "	if f.size < f.head.Size {\n		return nil\n	}", "	if f.size < f.head.Size {\n		f.head.Size = 0\n		f.head.Last, _ = linkBefore(f.h, f.size)\n		return nil\n	}", "./audit"},
	{"A3", "a value is sent without a record", "mitm/record.go", "if err := x.proxy.cfg.Record(x.eventOf(audit.Decided, of)); err != nil {", "if err := x.proxy.cfg.Record(x.eventOf(audit.Decided, of)); err != nil && x.id == \"\" {", "./mitm"},
	{"A3", "a program gets values without a record", "cmd/agentsecrets/spawn.go", "		return 0, err // no record, no value\n", "", "./cmd/agentsecrets"},
	{"A3", "a part of a line stays on a full disk", "audit/file.go", "	if n > 0 && f.h.Truncate(f.size) != nil {", "	if n > 0 && f.h == nil {", "./audit"},
	{"A4", "records show the path as it was sent", "mitm/walk.go", "		out.URL = t.url(x.scheme, x.dest)\n", "		out.URL = t.url(x.scheme, x.dest)\n		x.target = t\n", "./cmd/agentsecrets"},
	{"A4", "a value prints itself", "resolve/value.go", "func (Value) LogValue() slog.Value { return slog.StringValue(masked) }", "func (v Value) LogValue() slog.Value { return slog.StringValue(string(v.Reveal())) }", "./resolve"},
	{"A5", "a name is settled before its value is kept", "resolve/index.go", "		if err := x.change(func(f *indexFile) { f.put(ref, x.now(), true) }); err != nil {\n			return err\n		}\n		if err := s.Set(", "		if err := x.change(func(f *indexFile) { f.put(ref, x.now(), false) }); err != nil {\n			return err\n		}\n		if err := s.Set(", "./resolve/agefile"},
	{"A5", "a value is kept before its binding", "cmd/agentsecrets/set.go", "	if err := a.bind(ctx, w, all, b); err != nil {\n		return err\n	}\n", "	defer a.bind(ctx, w, all, b)\n", "./cmd/agentsecrets"},
	{"A6", "each process has a lock of its own", "resolve/index.go", `atomicfile.Lock(x.path + ".lock")`, `atomicfile.Lock(fmt.Sprintf("%s.lock.%p", x.path, new(Index)))`, "./resolve/agefile"},
	{"A6", "policies are changed without a lock", "allowlist/policy.go", `atomicfile.Lock(path + ".lock")`, `atomicfile.Lock(fmt.Sprintf("%s.lock.%p", path, new(Policy)))`, "./allowlist"},
	{"A7", "take a file for a keychain that is gone", "cmd/agentsecrets/homestore.go", "	if name == storeKeychain {\n		return h.keychain, nil\n	}", "	if name == storeKeychain && h.keychain.Ready(ctx) == nil {\n		return h.keychain, nil\n	}", "./cmd/agentsecrets"},
	{"A7", "what the keychain cannot tell is gone", "resolve/index.go", "		if err != nil && !errors.Is(err, ErrNotFound) {\n			failed = errors.Join(", "		if err != nil && ref.Name == \"\" {\n			failed = errors.Join(", "./resolve"},
	{"A7", "a failed move takes what stood there", "cmd/agentsecrets/move.go", "	all = slices.DeleteFunc(slices.Clone(all), r.shares)\n", "	_ = slices.DeleteFunc(slices.Clone(all), r.shares)\n", "./cmd/agentsecrets"},
	{"A11", "what precedes a bad chunk is a vault", "resolve/agefile/seal.go", "	plain, err := io.ReadAll(r)\n	if err != nil {", "	plain, err := io.ReadAll(r)\n	if err != nil && len(plain) == 0 {", "./resolve/agefile"},
	{"A11", "a field of a later version is passed over", "resolve/agefile/seal.go", "	d.DisallowUnknownFields()\n", "", "./resolve/agefile"},
}
