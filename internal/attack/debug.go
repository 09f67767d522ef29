//go:build linux

package main

import (
	"context"
)

// debugProbes asks the run's proxy itself for what servers sometimes tell.
func debugProbes() []probe {
	var all []probe
	for _, target := range []string{
		"/", "/health", "/ready", "/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/debug/vars",
		"/env", "/config", "/secrets", "/secrets/API_KEY", "/v1/secrets", "/.env", "/..%2f..%2fvault.age", "/credentials", "/stop", "/reload", "/proxy",
	} {
		for _, method := range []string{"GET", "POST"} {
			all = append(all, probe{
				name: method + " " + target + " of the proxy itself", tried: "after a value has gone out, with the run's credential", want: "text|400|403|404|405",
				do: func(ctx context.Context, w *world) (answer, error) {
					return w.proxy.send(ctx, wire{bytes: lines(method+" "+target+" HTTP/1.1", "Host: 127.0.0.1", w.proxy.authorization(), "Content-Length: 0", "Connection: close", "")})
				},
			})
		}
	}
	return all
}
