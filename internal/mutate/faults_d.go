package main

// Faults for the rows of destination and authority in docs/threats.md.
var dFaults = []rowFault{
	{"D1", "compare Host with itself", "mitm/exchange.go", "if !x.proxy.same(x.dest, text, port) {", "if !x.proxy.same(x.dest, x.dest.String(), port) {", "./mitm"},
	{"D1", "believe :authority and not the Host beside it", "mitm/exchange.go", `append([]string{r.Host}, r.Header["Host"]...)`, "[]string{r.Host}", "./mitm"},
	{"D1", "any port of the host will do", "mitm/authority.go", "return err == nil && a == b", "return err == nil && a.host == b.host", "./mitm"},
	{"D2", "ignore the server name", "mitm/tunnel.go", "if !t.dest.named(hello.ServerName) {", `if !t.dest.named("") {`, "./mitm"},
	{"D2", "a server name below the host will do", "mitm/route.go", `return name == "" || name == a.host`, `return name == "" || strings.HasSuffix(name, a.host)`, "./mitm"},
	{"D2", "relay whatever server name", "mitm/relay.go", "	case !dest.named(name):", `	case !dest.named(name) && name == "-":`, "./mitm"},
	{"D3", "ignore the absolute form", "mitm/exchange.go", "if r.URL.IsAbs() {", `if r.URL.Host == "-" {`, "./mitm"},
	{"D3", "an absolute form without a host is a path", "mitm/exchange.go", "if r.URL.IsAbs() {", `if r.URL.Host != "" {`, "./mitm"},
	{"D3", "any scheme will do", "mitm/exchange.go", `r.URL.Scheme != "" && r.URL.Scheme != x.scheme`, `r.URL.Scheme == "-"`, "./mitm"},
	{"D3", "send whatever target", "mitm/exchange.go", "if !x.target.valid(r) {", `if !x.target.valid(r) && r.Method == "-" {`, "./mitm"},
	{"D4", "brackets around a name", "mitm/authority.go", "bracketed != (err == nil && ip.Is6())", "!bracketed && err == nil && ip.Is6()", "./mitm"},
	{"D4", "a port with zeros before it", "mitm/authority.go", "n == 0 || port[0] == '0'", "n == 0", "./mitm"},
	{"D4", "a number is a name", "allowlist/host.go", `	if looksNumeric(name) {`, `	if looksNumeric(name) && name == "" {`, "./mitm"},
	{"D4", "names have whatever letters", "allowlist/host.go", "			if !('a' <= r && r <= 'z' ||", "			if r == '/' && !('a' <= r && r <= 'z' ||", "./mitm"},
}
