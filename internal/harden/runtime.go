package harden

import (
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/harden/early"
)

// Go's runtime and libraries obey variables before main runs: GODEBUG=http2debug
// makes net/http print every header field that it sends, other settings weaken
// TLS, and GOTRACEBACK=crash dumps all stacks and a core. Who starts us must not
// decide that, so a process that was given them starts itself anew without.

func governed() []string {
	return []string{"GODEBUG", "GOTRACEBACK", "MCPGODEBUG", "JSONSCHEMAGODEBUG"}
}

// withoutRuntime returns environ with the variables put aside, and whether any
// of them has to be: the defaults of the runtime do no harm.
func withoutRuntime(environ []string) (clean []string, needed bool) {
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !slices.Contains(governed(), name) {
			clean = append(clean, kv)
			continue
		}
		harmless := value == "" || name == "GOTRACEBACK" && slices.Contains([]string{"none", "single", "0", "1"}, value)
		needed = needed || !harmless
		clean = append(clean, early.Kept+kv)
	}
	return clean, needed
}

// CallerEnviron is environ as our caller had it.
func CallerEnviron(environ []string) []string {
	var out []string
	for _, kv := range environ {
		rest, ours := strings.CutPrefix(kv, early.Kept)
		if name, _, _ := strings.Cut(rest, "="); ours && slices.Contains(governed(), name) {
			kv = rest
		}
		out = append(out, kv)
	}
	return out
}

// Traceless is environ for a process of ours that stays: a crash of it says what
// was wrong, and shows no stack. debug.SetTraceback cannot do less than what a
// process was started with.
func Traceless(environ []string) []string {
	var out []string
	for _, kv := range environ {
		if name, _, _ := strings.Cut(kv, "="); !slices.Contains(governed(), name) {
			out = append(out, kv)
		}
	}
	return append(out, "GOTRACEBACK=none")
}
