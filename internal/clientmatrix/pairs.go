package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/probe"
)

// place is where a client runs.
type place struct {
	path string // PATH
	dir  string // in which the program finds its modules; "" for the project's own
}

// pair is a client with what it runs on.
type pair struct {
	name    string // first element of its URL's path
	client  string
	runtime string // Python 3.13, or "" for a program by itself
	program string // that starts it; "" if it is not there
	lacks   string // what is not there, then
	place   place
	argv    func(program, dir, url, token string) []string
}

// runtime is one version of a language.
type runtime struct {
	language string // as in probe.Probe
	version  string
	program  string
	modules  string   // folder with node_modules
	only     []string // clients, of the probes of the language; nil for all
}

// pairs are all of the matrix, with what `make clients` has put into cache.
func pairs(cache string) []pair {
	var all []pair
	for _, p := range probe.All() {
		if p.Language == "" || !slices.ContainsFunc(runtimes(cache), func(r runtime) bool { return r.language == p.Language }) {
			all = append(all, pairOf(p, ""))
		}
	}
	for _, r := range runtimes(cache) {
		for _, p := range probe.All() {
			if p.Language == r.language && (r.only == nil || slices.Contains(r.only, p.Client)) {
				all = append(all, r.pair(p))
			}
		}
	}
	return append(all, compiled(cache)...)
}

// pairOf is a probe with the program that PATH has.
func pairOf(p probe.Probe, program string) pair {
	if program == "" {
		program = p.Find(os.Getenv("PATH"))
	}
	q := pair{name: p.Name, client: p.Client, program: program, lacks: strings.Join(p.Programs, " or "), argv: p.Argv}
	if p.Language != "" {
		q.runtime = p.Language
	}
	q.place.path = os.Getenv("PATH")
	return q
}

// pair is a probe on a runtime of its language.
func (r runtime) pair(p probe.Probe) pair {
	q := pairOf(p, r.program)
	q.name, q.runtime = p.Name+"-"+r.version, p.Language+" "+r.version
	if _, err := os.Stat(r.program); err != nil {
		q.program, q.lacks = "", r.program
	}
	q.place.dir = r.modules
	return q
}

func runtimes(cache string) []runtime {
	stock := []string{"urllib", "requests", "httpx", "httpx async, HTTP/2", "aiohttp", "stripe", "websockets"}
	var all []runtime
	for _, version := range []string{"3.9", "3.10", "3.11", "3.12"} {
		all = append(all, cachedPython(cache, version, stock))
	}
	all = append(all, cachedPython(cache, "3.13", nil), cachedPython(cache, "3.14", stock))
	few := []string{"fetch", "node:https", "node:http2", "undici", "axios", "ws"}
	for _, n := range []struct {
		version, modules string
		only             []string
	}{{"18", "node20", few}, {"20", "node20", nil}, {"22", "node22", few}, {"24", "node22", nil}, {"26", "node22", few}} {
		all = append(all, runtime{language: "Node", version: n.version, only: n.only, modules: filepath.Join(cache, n.modules),
			program: filepath.Join(cache, "runtimes", "node_modules", "node"+n.version, "bin", "node")})
	}
	modules := filepath.Join(cache, "runtimes", "node_modules")
	return append(all,
		runtime{language: "Deno", version: "2", program: filepath.Join(modules, "@deno", "linux-x64-glibc", "deno")},
		runtime{language: "Bun", version: "1", program: filepath.Join(modules, "@oven", "bun-linux-x64", "bin", "bun")},
		runtime{language: ".NET", version: "8", program: filepath.Join(cache, "dotnet", "8", "dnv", "net", "runtime", ".net", "dotnet")},
		runtime{language: ".NET", version: "9", program: filepath.Join(cache, "dotnet", "9", "dotnet")},
	)
}

func cachedPython(cache, version string, only []string) runtime {
	return runtime{language: "Python", version: version, only: only, program: filepath.Join(cache, "python", version, "bin", "python")}
}

func (p pair) url(w *world) string { return fmt.Sprintf("https://%s:%d/%s", host, w.port, p.name) }
