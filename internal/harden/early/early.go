// Package early puts variables of our caller aside that libraries read before main
// runs, and that they do not survive when it cannot be read: with MCPGODEBUG=x every command
// would end in a panic, whatever it has to do with MCP.
//
// Packages are initialised in the order of their import paths, those first whose
// imports have been (Go specification, Package initialization). This one
// needs os alone, and stands before those libraries in that order.
package early

import "os"

// Kept is what comes before the name of a variable of our caller that was put aside:
// programs that we start are given it back.
const Kept = "AGENTSECRETS_CALLER_"

func init() {
	text, ok := os.LookupEnv("MCPGODEBUG")
	aside("MCPGODEBUG", text, ok)
	text, ok = os.LookupEnv("JSONSCHEMAGODEBUG")
	aside("JSONSCHEMAGODEBUG", text, ok)
}

func aside(name, text string, ok bool) {
	if ok {
		os.Setenv(Kept+name, text)
		os.Unsetenv(name)
	}
}
