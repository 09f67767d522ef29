package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/probe"
	"github.com/agentsecrets/agentsecrets/internal/trace"
)

// marker stands where the value was. Some clients escape the brackets around it.
const marker = "REDACTED_BY_AGENTSECRETS"

// result is how a pair ended.
type result struct {
	pair
	version string // of the client
	works   bool
	proto   string // that the client spoke
	reason  string // why it does not work
	took    time.Duration
}

// try runs the pair through the proxy and judges what came of it.
func (w *world) try(ctx context.Context, p pair) result {
	if p.program == "" {
		return result{pair: p, reason: notInstalled + ": " + p.lacks}
	}
	start := time.Now()
	out, err := w.intercepted(ctx, p.place, p.argv(p.program, w.path("probes"), p.url(w), placeholder))
	r := result{pair: p, proto: spoken(out.stderr), took: time.Since(start)}
	r.reason = w.judge(out, err, w.came(p.name))
	r.works = r.reason == ""
	return r
}

// notInstalled begins the reason of a pair that could not be tried: no entry of the
// known misses covers that.
const notInstalled = "not installed"

// judge says what is wrong, "" for nothing: a client works if the origin got the
// value, and the client its answer without it.
func (w *world) judge(out said, err error, came probe.Request) string {
	forms := trace.New(strings.TrimPrefix(w.value, "sk-")).Forms([]byte(out.stdout + out.stderr))
	status := (*exec.ExitError)(nil)
	switch {
	case forms != nil:
		return fmt.Sprintf("THE VALUE CAME BACK: %s", forms)
	case errors.As(err, &status) && status.ExitCode() == probe.Absent:
		return notInstalled + ": its library"
	case err != nil:
		return fmt.Sprintf("%v: %s", err, lastLines(out))
	case came.Probe == "":
		return "the origin got no request: " + lastLines(out)
	case came.Credential != w.value:
		return "the origin got something else than the value"
	case !strings.Contains(out.stdout, marker):
		return "the client did not print the answer with the value redacted: " + lastLines(out)
	}
	return ""
}

var exchanges = regexp.MustCompile(`(?m)^.*msg=exchange .* proto=HTTP/(\S+) host=` + regexp.QuoteMeta(host) + ` .*$`)

// spoken is the version of HTTP in the log of the newest exchange.
func spoken(stderr string) string {
	all := exchanges.FindAllStringSubmatch(stderr, -1)
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSuffix(all[len(all)-1][1], ".0")
}

// lastLines is the end of what a client said, without our log.
func lastLines(out said) string {
	var lines []string
	for line := range strings.Lines(out.stdout + "\n" + out.stderr) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, " level=") {
			lines = append(lines, line)
		}
	}
	text := []rune(strings.Join(lines[max(0, len(lines)-3):], " / "))
	return string(text[max(0, len(text)-300):])
}
