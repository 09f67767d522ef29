package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Field lines that net/http is told to leave out are no list, and JSON has none of them.
func TestCallJSONHasListsAlone(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := (&app{output: "json", stdout: out}).newCallWriter(false)
	w.Header()["Content-Type"] = nil
	w.Header().Set("Server", "x")
	w.WriteHeader(http.StatusOK)
	if err := w.end(false, nil); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out.Name()); err != nil || !strings.Contains(string(text), `"headers":{"Server":["x"]}`) {
		t.Errorf("%s, %v", text, err)
	}
}
