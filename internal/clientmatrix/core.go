package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/probe"
)

// core are the pairs that every change has to pass: those that `make libraries` and
// the tools of the tests install, and of each way in which we lead a client to the
// proxy one.
func core(cache string) []pair {
	all := named("", "", "curl", "curl-http1", "wget", "git")
	all = append(all, named("venv", filepath.Join(cache, "clients", "bin", "python"), "python-urllib", "python-requests", "python-httpx_sync",
		"python-httpx_async", "python-aiohttp", "python-websockets", "python-openai", "python-langchain", "python-stripe")...)
	for _, version := range []string{"3.10", "3.13"} {
		all = append(all, named(version, filepath.Join(cache, "bin", "python"+version), "python-urllib")...)
	}
	all = append(all, named("", "", "node-fetch", "node-https", "node-http2", "go-net_http", "java-httpclient", "java-urlconnection")...)
	return append(all, named("", "", "perl-http_tiny", "perl-lwp")...)
}

// named are probes on one runtime, with the program of PATH where none is given.
func named(version, program string, names ...string) []pair {
	var all []pair
	for _, p := range probe.All() {
		if !slices.Contains(names, p.Name) {
			continue
		}
		q := pairOf(p, "")
		if version != "" {
			q = runtime{version: version, program: program}.pair(p)
		}
		q.place.path = os.Getenv("PATH")
		all = append(all, q)
	}
	return all
}
