//go:build unix

package runtree

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestDescendants(t *testing.T) {
	shell := exec.Command("sh", "-c", "cat; :") // the shell stays, for what comes after
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	defer shell.Wait()
	defer in.Close()
	var all []int
	for end := time.Now().Add(10 * time.Second); len(all) < 2 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		if all, err = Descendants(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) != 2 || !slices.Contains(all, shell.Process.Pid) {
		t.Errorf("%v, want %d and its child", all, shell.Process.Pid)
	}
	if below, err := Descendants(shell.Process.Pid); err != nil || len(below) != 1 || slices.Contains(below, shell.Process.Pid) {
		t.Errorf("below the shell: %v, %v", below, err)
	}
}
