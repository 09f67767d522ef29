package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// clientHint is what would bring the client through the proxy.
func clientHint(row *clientRow) string {
	switch row.State {
	case clientDirect:
		return proxyFix(filepath.Base(row.Path))
	case clientRefused:
		return trustFix(filepath.Base(row.Path))
	}
	return row.Hint
}

// printClients fails if a value came back, and for a program of the user also if it does
// not go through the proxy.
func (r *doctorReport) printClients(a *app, strict bool) error {
	bad := 0
	for _, c := range r.Clients {
		if c.State == clientLeaked || strict && c.State != clientProxied {
			bad++
		}
	}
	r.OK = bad == 0
	if err := a.print(r, func(out io.Writer) { r.writeClients(out, a.columns()) }); err != nil {
		return err
	}
	if len(r.Clients) == 0 {
		a.say("None of these clients is installed.")
	}
	if bad > 0 {
		return &failure{code: exitFailure, err: fmt.Errorf("%s not as it should be", count(bad, "client")), hint: firstHint(r.Clients)}
	}
	return nil
}

// firstHint is what to begin with: the first client may be all right.
func firstHint(rows []clientRow) string {
	at := slices.IndexFunc(rows, func(c clientRow) bool { return c.Hint != "" })
	if at < 0 {
		return ""
	}
	return rows[at].Hint
}

func (r *doctorReport) writeClients(out io.Writer, columns int) {
	if len(r.Clients) == 0 {
		return
	}
	var rows [][]string
	of := map[string][]string{} // clients, by what would help them
	var hints []string
	for _, c := range r.Clients {
		rows = append(rows, []string{c.Client, c.State, c.Host, c.Detail})
		if c.Hint == "" {
			continue
		}
		if of[c.Hint] == nil {
			hints = append(hints, c.Hint)
		}
		if !slices.Contains(of[c.Hint], c.Client) {
			of[c.Hint] = append(of[c.Hint], c.Client)
		}
	}
	fmt.Fprint(out, grid(columns, []string{"Client", "State", "Host", "What came of it"}, rows))
	for _, hint := range hints {
		fmt.Fprintf(out, "%s: %s\n", strings.Join(of[hint], ", "), hint)
	}
	if len(hints) > 0 {
		fmt.Fprintln(out, "More: docs/clients.md")
	}
}
