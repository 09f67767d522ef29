package clients_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// A server of somebody else's, which a client starts by way of run: what they say to
// each other passes, and nothing of ours is among it.
func TestMCPServerOfOthersInRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	serve := slices.Concat([]string{binary, "run", "--intercept"}, w.origins(), []string{"--", python(t), script(t, "mcp_own.py")})
	s, r := w.mcpServer("auto", nil, serve, use("ask", step{"url": w.origin.url(apiHost) + "/echo"}))
	if len(s.tools) != 1 || s.tools[0].Name != "ask" {
		t.Errorf("its tools are %+v", s.tools)
	}
	var text struct{ Result string }
	if a := s.answers[0]; a.Failed || json.Unmarshal(a.Structured, &text) != nil || !strings.Contains(text.Result, marker) {
		t.Errorf("%+v", a)
	}
	if got := w.origin.last("/echo").Header.Get("Authorization"); got != "Bearer "+w.value {
		t.Errorf("the origin got %q", got)
	}
	w.clean(r)
}

// A program's input and output are its own to the byte, and at once; what we have to
// say stands on standard error.
func TestStreamsOfARunAreItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	cmd := w.command(binary, "run", "--intercept", "--", "cat")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	one := []byte{0}
	for range 3 { // a byte, and no end of a line, comes back before there is more
		if _, err := in.Write(one); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, one); err != nil || one[0] != 0 {
			t.Fatal(one, err)
		}
	}
	sent := make([]byte, 1<<20)
	rand.Read(sent)
	sent = append(sent, "\r\n\x00 AS_SECRET_ACME_KEY "+w.value+" no end of a line"...) // a value that it has from elsewhere, too
	go func() {
		in.Write(sent)
		in.Close()
	}()
	got, err := io.ReadAll(out)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("of %d bytes %d came, or others; %v", len(sent), len(got), err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "agentsecrets: ") {
			t.Errorf("on standard error: %s", line)
		}
	}
	if left, err := os.ReadDir(w.path("tmp")); err != nil || len(left) > 0 {
		t.Errorf("left is %v, %v", left, err)
	}
}
