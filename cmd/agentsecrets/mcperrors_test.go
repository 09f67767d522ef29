package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A panic ends the request that it happened in, and what it says, which may be made of a
// value, is told to nobody.
func TestL17PanicOfATool(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	s := &mcpServer{app: &app{stderr: stderr}}
	const secret = "what-a-panic-says"
	for name, next := range map[string]mcp.MethodHandler{
		"panics": func(context.Context, string, mcp.Request) (mcp.Result, error) { panic(secret) },
		"no result": func(context.Context, string, mcp.Request) (mcp.Result, error) {
			return (*mcp.CallToolResult)(nil), io.EOF
		},
	} {
		_, err := s.ownErrors(next)(t.Context(), "tools/call", nil)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if said, err := os.ReadFile(stderr.Name()); err != nil || strings.Contains(string(said), secret) || !strings.Contains(string(said), "a panic (string) in tools/call") {
		t.Errorf("said %q (%v)", said, err)
	}
}
