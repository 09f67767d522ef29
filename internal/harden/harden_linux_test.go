package harden

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if os.Getenv("HARDEN_TEST") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or every process that we start waits a second at its end
		os.Exit(m.Run())
	}
	if Hide() != nil || NoCore() != nil {
		os.Exit(1)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	hidden, hiddenErr := Hidden()
	fmt.Println(dumpable, err, hidden, hiddenErr)
	io.Copy(io.Discard, os.Stdin)
}

func TestHidden(t *testing.T) {
	if hidden, err := Hidden(); hidden || err != nil {
		t.Errorf("a process that does not hide says that it is hidden, %v", err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HARDEN_TEST=1")
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
	defer cmd.Wait()
	defer in.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "0 <nil> true <nil>\n" {
		t.Errorf("dumpable: %q, %v", line, err)
	}
	proc := fmt.Sprintf("/proc/%d/", cmd.Process.Pid)
	if f, err := os.Open(proc + "environ"); err == nil && os.Geteuid() != 0 {
		f.Close()
		t.Error("a neighbour of the same user opened its environ")
	}
	var limit unix.Rlimit
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_CORE, nil, &limit); err != nil || limit.Cur != 0 {
		t.Errorf("core limit %d (%v)", limit.Cur, err)
	}
	if stat, err := os.ReadFile(proc + "stat"); err != nil || len(stat) == 0 {
		t.Errorf("stat, which tells a run's tree, cannot be read any more: %v", err)
	}
}
