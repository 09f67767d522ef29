package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/agentsecrets/agentsecrets/internal/demo"
)

// What programs built on this package hold: all of their memory and variables are searched
// for the value, in every form, while they are between two calls. That the search does
// find what a program got is seen by what only the origin's answers have.

// wantNowhere searches all programs that this test has started.
func wantNowhere(t *testing.T, output string) {
	t.Helper()
	search := func(text string) []string {
		found, err := demo.SearchMemory(os.Getpid(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := search(onlyOrigin); len(found) == 0 {
		t.Error("what the origin answered was not found: the search sees nothing")
	}
	if found := search(value); len(found) > 0 {
		t.Errorf("the value is in %v", found)
	}
	if !strings.Contains(output, onlyOrigin) || !strings.Contains(output, "[REDACTED_BY_AGENTSECRETS]") {
		t.Errorf("it did not show what came back: %s", output)
	}
	noValue(t, "the output", []byte(output))
}

func TestMemoryOfATool(t *testing.T) {
	var stderr strings.Builder
	cmd := exec.Command(filepath.Join(filepath.Dir(w.binary), "tool"), "KEY")
	cmd.Dir, cmd.Stderr = w.dir, &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(stdout)
	var output strings.Builder
	for _, path := range []string{"/v1/first", "/broken", "/v1/third"} {
		io.WriteString(stdin, w.url(path)+"\n")
		line, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(err, stderr.String())
		}
		output.WriteString(line)
		if _, err := answers.ReadString('\n'); err != nil { // behind the JSON of the origin
			t.Fatal(err)
		}
	}
	wantNowhere(t, output.String())
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	noValue(t, "its messages", []byte(stderr.String()))
	if g := w.origin.took(t); g.Header.Get("Authorization") != "Bearer "+value {
		t.Errorf("the origin got %+v", g)
	}
}

func TestMemoryOfAnMCPServer(t *testing.T) {
	cmd := exec.Command(filepath.Join(filepath.Dir(w.binary), "mcpserver"), "https://"+host+":"+w.port, "KEY")
	cmd.Dir = w.dir
	ctx := context.Background()
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := c.Connect(ctx, &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "get", Arguments: map[string]any{"path": "/v1/balance"}})
	if err != nil || result.IsError {
		t.Fatalf("%+v %v", result, err)
	}
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	wantNowhere(t, string(text))
	if g := w.origin.took(t); g.Path != "/v1/balance" || g.Header.Get("Authorization") != "Bearer "+value {
		t.Errorf("the origin got %+v", g)
	}
}
