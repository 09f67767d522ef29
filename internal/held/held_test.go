package held

import (
	"strings"
	"testing"
	"time"
)

func TestGreet(t *testing.T) {
	p, err := Start(t.Context(), Program{Dir: t.TempDir(), Args: []string{"/bin/sh", "-c", `echo '{"URL":"x"}'; while read x; do :; done`}, Greets: true})
	if err != nil {
		t.Fatal(err)
	}
	var hello struct{ URL string }
	if err := p.Greet(&hello); err != nil || hello.URL != "x" {
		t.Errorf("%+v %v", hello, err)
	}
	p.Stop()
	if !p.Cmd.ProcessState.Success() {
		t.Errorf("ended with %v, not by the end of its input", p.Cmd.ProcessState)
	}
}

func TestGreetSilent(t *testing.T) {
	p, err := Start(t.Context(), Program{Dir: t.TempDir(), Args: []string{"/bin/sh", "-c", "echo why >&2; exit 3"}, Greets: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Greet(new(any)); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("error %v", err)
	}
	if _, err := Start(t.Context(), Program{Dir: t.TempDir(), Args: []string{"/no/such/program"}}); err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("a missing program: %v", err)
	}
}

// One that takes no hint is told by a signal, and what it printed is in the error.
func TestListensNot(t *testing.T) {
	p, err := Start(t.Context(), Program{Dir: t.TempDir(), Args: []string{"/bin/sh", "-c", "echo why; exec sleep 60"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Listens("127.0.0.1:1", time.Second); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("error %v", err)
	}
	p = nil
	p.Stop()
}
