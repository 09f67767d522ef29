package child

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// The program leaves a grandchild behind whose parent ends at once. It must
// become our child, not that of the system, and not stay as a zombie.
func TestOrphansComeToUs(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	const text = `
		(sleep 0.15 & echo $! >"$0")
		orphan=$(cat "$0")
		sleep 0.05
		echo us=$PPID parent=$(cut -d' ' -f4 /proc/$orphan/stat)
		sleep 0.3
		test -e /proc/$orphan && echo zombie
		exit 5`
	cmd := us("sh", "-c", text, pid)
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("us=%d parent=%[1]d", cmd.Process.Pid)
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("code %d", code)
	}
}
