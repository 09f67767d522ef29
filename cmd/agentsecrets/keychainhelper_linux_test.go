package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// The keychain's helper answers a run, and nobody below one, even if it is ours.
func TestMayRead(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `echo agentsecrets-rn >/proc/$$/comm; echo $$; sh -c 'echo $$; read x; :'; :`)
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
	defer cmd.Wait()
	defer stdin.Close()
	var run, below int
	if _, err := fmt.Fscan(stdout, &run, &below); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{os.Getpid(), run} {
		if err := mayRead(pid); err != nil {
			t.Errorf("process %d: %v", pid, err)
		}
	}
	if err := mayRead(below); err == nil {
		t.Error("a program inside a run may read values")
	}
}
