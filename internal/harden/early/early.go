// Package early puts variables of our caller aside that libraries read before main
// runs, and that they do not survive when it cannot be read: with MCPGODEBUG=x every command
// would end in a panic, whatever it has to do with MCP.
//
//	import _ "github.com/agentsecrets/agentsecrets/internal/harden/early"
//
// Packages are initialised in the order of their import paths, those first whose
// imports have been (Go specification, Package initialization). This one
// needs os alone, and stands before those libraries in that order.
package early

import "os"

// put has harden.CallerEnviron give them back to programs that we start.
const put = "AGENTSECRETS_CALLER_"

func init() {
	text, ok := os.LookupEnv("MCPGODEBUG")
	aside("MCPGODEBUG", text, ok)
	text, ok = os.LookupEnv("JSONSCHEMAGODEBUG")
	aside("JSONSCHEMAGODEBUG", text, ok)
}

func aside(name, text string, ok bool) {
	if ok {
		os.Setenv(put+name, text)
		os.Unsetenv(name)
	}
}
