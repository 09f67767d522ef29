package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/demo"
	"github.com/agentsecrets/agentsecrets/redact"
)

// demoClient is one client of the demo. It writes what it got, then an ASCII
// record separator, and ends with its standard input: in between its memory can
// be searched.
type demoClient struct {
	label    string
	args     []string
	requests int
}

const endOfOutput = 0x1e

//go:embed demo_openai.py
var openaiScript string

// holding runs curl and keeps what it said in a shell's memory.
const holding = `out=$(curl -sS --max-time 20 "$@" </dev/null) || exit; printf '%s\n\036' "$out"; read _ || :`

// showing prints all that a program in a run can find out about it. Java's trust store is
// no text, and may hold the separator.
const showing = `{ env; cat "${SSL_CERT_FILE%/*}"/*; } | tr -d '\036'; printf '\036'; read _ || :`

func (s *stage) clients(ctx context.Context) []demoClient {
	base := "https://" + s.origin.authority() + "/v1"
	curl := func(label, query, stream string) demoClient {
		script := `set -- "$@" -H "Authorization: Bearer $` + demoName + `"; ` + holding
		return demoClient{label, []string{
			"sh", "-c", script, "sh", base + "/chat/completions" + query, "--compressed", "-H", "Content-Type: application/json",
			"-d", `{"model":"demo","stream":` + stream + `,"messages":[{"role":"user","content":"What did I send you?"}]}`,
		}, 1}
	}
	list := []demoClient{{"env", []string{"sh", "-c", showing}, 0}}
	if _, err := exec.LookPath("curl"); err == nil {
		list = append(list, curl("curl", "", "false"), curl("curl stream", "", "true"), curl("curl gzip", "?gzip=always", "false"))
	}
	if python := pythonWithOpenAI(ctx, s.app.environ); python != "" {
		list = append(list, demoClient{"OpenAI SDK", []string{python, "-c", openaiScript, base}, 2})
	}
	return list
}

func pythonWithOpenAI(ctx context.Context, environ []string) string {
	python, err := exec.LookPath("python3")
	if err != nil {
		return ""
	}
	cmd := exec.CommandContext(ctx, python, "-c", "import openai")
	cmd.Env = environ
	if cmd.Run() != nil {
		return ""
	}
	return python
}

// play runs one client under run --intercept and judges what it could see.
func (s *stage) play(ctx context.Context, c demoClient) error {
	args := []string{
		"run", "--intercept", "--origin-ca", s.origin.ca,
		"--resolve", fmt.Sprintf("%s:%d:127.0.0.1", demoHost, s.origin.port), "--",
	}
	cmd := s.ourselves(ctx, append(args, c.args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, errIn := cmd.StdinPipe()
	pipe, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		return fmt.Errorf("%s: %w", c.label, err)
	}
	out, err := readRecord(pipe)
	if err == nil {
		var found []string
		found, err = demo.SearchMemory(cmd.Process.Pid, []byte(s.value))
		s.absent(c.label+": memory and environment", found)
	}
	in.Close()
	if errWait := cmd.Wait(); err != nil || errWait != nil {
		return fmt.Errorf("%s: %w: %s", c.label, errors.Join(err, errWait), clean(stderr.Bytes(), s.value))
	}
	return s.judge(c, out, stderr.Bytes())
}

// readRecord reads up to the separator.
func readRecord(r io.Reader) ([]byte, error) {
	var out []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		out = append(out, buf[:n]...)
		if i := bytes.IndexByte(out, endOfOutput); i >= 0 {
			return out[:i], nil
		}
		if err != nil {
			return out, fmt.Errorf("it ended too early: %w", err)
		}
	}
}

func (s *stage) judge(c demoClient, out, stderr []byte) error {
	value := []byte(s.value)
	s.absent(c.label+": its output", demo.Seen(out, value))
	s.absent(c.label+": standard error", demo.Seen(stderr, value))
	if c.requests == 0 {
		held := demoName + "=" + placeholderText
		s.check(c.label+": the placeholder stands in the environment", bytes.Contains(out, []byte(held+"\n")), "")
		s.row(c.label+": "+placeholderText, "", "")
		return nil
	}
	for range c.requests {
		got, err := s.origin.next()
		if err != nil {
			return fmt.Errorf("%s: %w; the client saw: %s", c.label, err, clean(out[:min(len(out), 400)], s.value))
		}
		s.requests++
		s.check(c.label+": the origin got the value", got.Authorization == "Bearer "+s.value, clean([]byte(got.Authorization), s.value))
		s.row(c.label+": "+placeholderText, shortened(got.Authorization), back(out))
	}
	echoes := bytes.Count(out, []byte(redact.Marker))
	s.check(c.label+": the echo came back covered", echoes >= c.requests, fmt.Sprintf("%d of %d", echoes, c.requests))
	return nil
}

// shortened shows enough of a demo's value to know it by.
func shortened(auth string) string {
	const shown = len("sk-demo-") + 4
	value := strings.TrimPrefix(auth, "Bearer ")
	if len(value) <= shown {
		return value
	}
	return fmt.Sprintf("%s… (%d bytes)", value[:shown], len(value))
}

// back shows the piece of output in which the value was.
func back(out []byte) string {
	i := bytes.Index(out, []byte(redact.Marker))
	if i < 0 {
		return ""
	}
	end := i + len(redact.Marker)
	for end < len(out) && out[end] == '*' {
		end++
	}
	return string(out[i:end])
}

// clean makes text fit for an error message even where the demo fails.
func clean(text []byte, value string) string {
	return strings.ReplaceAll(strings.TrimSpace(string(text)), value, "<the value>")
}
