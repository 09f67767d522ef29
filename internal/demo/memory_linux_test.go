package demo

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestSearchMemory(t *testing.T) {
	for text, want := range map[string]bool{value: true, value[1:]: false} {
		cmd := exec.Command("sh", "-c", `x=$(cat); echo; exec 0<&3; read _`)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin, cmd.ExtraFiles = strings.NewReader(text), []*os.File{r}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		got, err := searchProcess(cmd.Process.Pid, []byte(value))
		if err != nil || (len(got) > 0) != want {
			t.Errorf("%v, %v; want something: %v", got, err, want)
		}
		w.Close()
		cmd.Wait()
	}
	if _, err := SearchMemory(os.Getpid(), []byte(value)); err == nil {
		t.Error("no children were searched, and nobody was told")
	}
}
