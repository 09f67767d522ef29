package env

import (
	_ "embed" // of the preload
	"strings"
)

//go:embed files/as-node-preload.cjs
var preload []byte

// node makes every Node load a script before its own that takes TLS
// connections through the proxy: Node 20 reads no proxy variable at all, and
// SDKs with an agent of their own ignore it in any version.
func (w *writer) node() {
	option := "--require " + nodeQuote(w.write("as-node-preload.cjs", preload))
	if had := w.before.get("NODE_OPTIONS"); had != "" {
		option = had + " " + option
	}
	w.after.set("NODE_OPTIONS", option)
}

// nodeQuote makes s one word of NODE_OPTIONS, in which backslashes escape
// between double quotes only.
func nodeQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
