package main

// Faults for the rows of message syntax in docs/threats.md.
var sFaults = []rowFault{
	{"S1", "a length beside chunks", "internal/http1/framing.go", "	case s.lengths > 0:", "	case s.lengths > 1<<20:", "./internal/http1"},
	{"S1", "take the last of two lengths", "internal/http1/framing.go", "	return Framing{}, refuse(400, repeatedLength)", "	n, _ := parseLength(trim(s.length))\n	return Framing{Sized, n}, nil", "./internal/http1"},
	{"S1", "a length with a plus", "internal/http1/framing.go", "	for _, c := range b {\n		if c < '0'", "	for _, c := range bytes.TrimPrefix(b, []byte(\"+\")) {\n		if c < '0'", "./internal/http1"},
	{"S1", "a length that overflows", "internal/http1/framing.go", " || n > (math.MaxInt64-9)/10", " || n > math.MaxInt64", "./internal/http1"},
	{"S1", "space around a length", "internal/http1/request.go", "s.codings == 0 && !tight(s.length)", "s.codings == 0 && tight(nil) && !tight(nil)", "./internal/http1"},
	{"S1", "take the last of two codings", "internal/http1/framing.go", "	case s.codings > 1:", "	case s.codings > 100:", "./internal/http1"},
	{"S1", "any coding that ends in chunks", "internal/http1/framing.go", `	case is(v, "chunked"):`, `	case is(v, "chunked"), endsChunked(v):`, "./internal/http1"},
	{"S1", "chunks in HTTP/1.0", "internal/http1/framing.go", "	case minor == 0:\n		return refuse", "	case minor < 0:\n		return refuse", "./internal/http1"},
	{"S1", "space before a colon", "internal/http1/field.go", "	if !isToken(f.Name) {", "	if !isToken(trim(f.Name)) {", "./internal/http1"},
	{"S1", "folded lines", "internal/http1/field.go", "	if l[0] == ' ' || l[0] == '\\t' {\n		return Field{}, refuse(400, foldedField)\n	}\n", "	l = trim(l)\n", "./internal/http1"},
	{"S1", "CR in a value", "internal/http1/field.go", "if c < ' ' && c != '\\t' || c == 0x7f {", "if c < ' ' && c != '\\t' && c != '\\r' || c == 0x7f {", "./internal/http1"},
	{"S1", "a bare LF ends a line", "internal/http1/http1.go", `if len(line) < 2 || line[len(line)-2] != '\r' {`, `if len(line) < 2 {`, "./internal/http1"},
	{"S1", "two hosts", "internal/http1/request.go", "	case s.hosts > 1:", "	case s.hosts > 2:", "./internal/http1"},
	{"S1", "other versions", "internal/http1/request.go", "		return 0, refuse(505, otherVersion)\n", "		return 1, nil\n", "./internal/http1"},
	{"S1", "space around a chunk's size", "internal/http1/chunks.go", "parseSize(size)", "parseSize(trim(size))", "./internal/http1"},
	{"S1", "a chunk's size of any length", "internal/http1/chunks.go", " && len(s) <= maxDigits", " && len(s) <= 2*maxDigits", "./internal/http1"},
	{"S1", "a chunk that is longer than its size", "internal/http1/chunks.go", "	case !bytes.Equal(end, endOfLine):", "	case bytes.Equal(end, nil):", "./internal/http1"},
	{"S1", "framing as a trailer", "internal/http1/chunks.go", "		if framing {\n", "		if framing && ok {\n", "./internal/http1"},
	{"S1", "read past the end of a body", "internal/http1/body.go", "p[:min(int64(len(p)), b.left)]", "p[:min(len(p), 1<<20)]", "./internal/http1"},
	{"S1", "HTTP/1 in tunnels by net/http", "mitm/tunnel.go", `NegotiatedProtocol != "h2" {`, `NegotiatedProtocol == "h3" {`, "./mitm"},
	{"S1", "half a body looks whole to the origin", "internal/engine/roundtrip.go", "			c.readErr = err\n			return err\n", "			return c.w.End(nil)\n", "./mitm"},
	{"S9", "a long body is read whole", "mitm/body.go", "	src := io.MultiReader(bytes.NewReader(head), x.mustMove(r))\n", "	rest, _ := io.ReadAll(x.mustMove(r))\n	src := io.MultiReader(bytes.NewReader(head), bytes.NewReader(rest))\n", "./internal/soak"},
}
