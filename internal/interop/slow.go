package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// slowhttptest opens connections and says almost nothing on them. A program that
// held them all for as long as they like would soon have no room for others.

const (
	slowHost     = "localhost"
	slowCount    = 100
	slowSeconds  = 40 // in which all of them must be gone: 10 of patience, and as long for them to be opened on a busy machine
	slowPatience = 3 * time.Minute
)

// slowCases are the ways of being slow, and where.
func slowCases() []slowCase {
	return []slowCase{
		{name: "head, in a tunnel", args: []string{"-H"}},
		{name: "head, at the proxy's own port", args: []string{"-H"}, bare: true},
		{name: "body, in a tunnel", args: []string{"-B"}},
		{name: "read, in a tunnel", args: []string{"-X", "-n", "5", "-z", "32", "-k", "3"}},
	}
}

type slowCase struct {
	name string
	args []string
	bare bool
}

func runSlow(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	text := strings.Repeat("0123456789abcde\n", 1<<16)
	o, err := s.startOrigin(slowHost, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(text))
	}), "http/1.1")
	if err != nil {
		return got, err
	}
	defer o.close()
	d, l, err := s.openLocal(ctx, slowHost, o.addr())
	if err != nil {
		return got, err
	}
	defer d.close()
	f := newRelay(l, d.connect)
	defer f.close()
	for _, c := range slowCases() {
		url := "https://" + d.origin + "/"
		if c.bare {
			url = "http://" + d.proxy.Host + "/health"
		}
		args := append([]string{
			"slowhttptest", "-c", strconv.Itoa(slowCount), "-r", strconv.Itoa(slowCount), "-l", strconv.Itoa(slowSeconds), "-i", "3", "-p", "10", "-u", url,
		}, c.args...)
		r, err := output(ctx, slowPatience, s.dir, s.environ, args...)
		if err != nil {
			return got, err
		}
		verdict, note := readSlow(r.output)
		got.through[c.name] = verdict
		got.notes = append(got.notes, c.name+": "+note)
	}
	return got, nil
}

var (
	slowMade     = regexp.MustCompile(`(?m)^(connected|closed):\s+(\d+)`)
	slowUnserved = regexp.MustCompile(`(?m)^service available:\s+NO`)
	slowEnd      = regexp.MustCompile(`(?s)Test ended on (\d+)th second.*?Exit status:\s+([^\n]+?)\s*(?:\n|$)`)
	slowColor    = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
)

// readSlow takes how the suite ended: with all connections made and none left,
// and others served all the time.
func readSlow(output string) (verdict, note string) {
	output = slowColor.ReplaceAllString(output, "")
	most := 0
	for _, m := range slowMade.FindAllStringSubmatch(output, -1) {
		n, _ := strconv.Atoi(m[2])
		most = max(most, n)
	}
	end := slowEnd.FindStringSubmatch(output)
	if end == nil || most == 0 {
		return "no connection was made", last(output)
	}
	note = fmt.Sprintf("%s after %s seconds", strings.ToLower(end[2]), end[1])
	switch {
	case slowUnserved.MatchString(output):
		return "others were not served", note
	case end[2] != "No open connections left":
		return "held", note
	}
	return passed, note
}
