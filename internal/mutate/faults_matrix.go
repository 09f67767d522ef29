package main

// Faults that the leak matrix notices, and faults in how it judges.

var (
	inMatrix       = []string{"./internal/leakmatrix", "-run", "TestNothingComesBack"}
	inMatrixChecks = []string{"./internal/leakmatrix", "-run", "TestCheck|TestReport|TestSecretIn|TestForeignProxy|TestMatrixIsWide"}
)

var matrixFaults = []fault{
	{"matrix: names in Go's case alone", "mitm/respond.go", "	x.coverNames(h, engine.FieldsOf(resp))\n", "", inMatrix},
	{"matrix: names of trailers in Go's case alone", "mitm/respond.go", "	x.coverNames(t, engine.TrailersOf(resp))\n", "", inMatrix},
	{"matrix: names in early responses in Go's case alone", "mitm/hints.go", "		e.x.coverNames(h, written.Fields)\n", "		_ = written.Fields\n", inMatrix},
	{"matrix: the reason passes", "mitm/respond.go", "	return string(reason)\n", "	return text + string(reason[:0])\n", inMatrix},
	{"matrix: early responses over HTTP/2 pass", "mitm/hints.go", "	e.x.echoes.Add(e.x.released.Header(h))\n	if written", "	if written != nil {\n		e.x.echoes.Add(e.x.released.Header(h))\n	}\n	if written", inMatrix},
	{"matrix: the second value of a field passes", "redact/text.go", "		for i, v := range values {\n", "		for i, v := range values[:min(1, len(values))] {\n", inMatrix},
	{"matrix: cookies pass", "redact/text.go", "	for name, values := range h {\n		for i, v", "	for name, values := range h {\n		if name == \"Set-Cookie\" {\n			continue\n		}\n		for i, v", inMatrix},
	{"matrix: bodies in br that come byte by byte are broken off", "internal/coding/decoders.go", "err.Error() == \"brotli: excessive input\"", "err.Error() == \"-\"", []string{"./internal/coding", "-run", "TestBrotliByteByByte"}},
	{"matrix: messages of gRPC pass", "mitm/messages.go", "	m.rw.Cover(b[messageHead:])\n", "", inMatrix},
	{"matrix: half an echo is none", "internal/leakmatrix/check.go", "	least := min(piece, ", "	least := max(len(text), ", inMatrixChecks},
	{"matrix: only the place that was planted in counts", "internal/leakmatrix/check.go", "	if v.leak == \"\" {\n		v.leak = k.found(c, a)\n	}\n", "", inMatrixChecks},
	{"matrix: what is around an echo does not count", "internal/leakmatrix/check.go", "	case !c.sameAround(values[0]):", "	case values[0] == \"\":", inMatrixChecks},
	{"matrix: broken cells pass", "internal/leakmatrix/report.go", ", {len(r.broken()), \"cells are broken\"},", ",", inMatrixChecks},
	{"matrix: the residual list stays as it is", "internal/leakmatrix/report.go", "		if ran[name] && !comes[name] {", "		if ran[name] && comes[name] && len(names) < 0 {", inMatrixChecks},
	{"matrix: echoes of what was not put in", "internal/leakmatrix/origin.go", "c.kind.inField() && sent != ", "!c.kind.inField() && sent != ", inMatrixChecks},
	{"matrix: the same bytes count twice", "internal/leakmatrix/cells.go", "						seen[key] = true\n", "", inMatrixChecks},
}
