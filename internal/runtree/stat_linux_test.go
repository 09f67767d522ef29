package runtree

import (
	"os"
	"os/exec"
	"testing"
)

func TestParseStat(t *testing.T) {
	for stat, want := range map[string]process{
		"12 (sh) S 7 12 12 0":                  {parent: 7},
		"12 (agentsecrets-rn) S 7 12":          {parent: 7, isRun: true},
		"12 (a) S 1 (agentsecrets-rn) R 7 1 2": {parent: 7},
		"12 ((agentsecrets-rn)) S 7 12":        {parent: 7},
		"12 (sh) S 7 12 12 0 -1 4194304 95 0 0 0 0 0 0 0 20 0 1 0 4711 2555904 225": {parent: 7, start: 4711},
	} {
		if got, err := parseStat([]byte(stat)); got != want || err != nil {
			t.Errorf("%q: %+v, %v", stat, got, err)
		}
	}
	for _, bad := range []string{"", "12 (sh", "12 (sh) S", "12 (sh) S x", ")(", "12 (sh) S 7 12 12 0 -1 4194304 95 0 0 0 0 0 0 0 20 0 1 0 x 2555904"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestL18Under(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for _, c := range []struct {
		pid, root int
		want      bool
	}{
		{cmd.Process.Pid, os.Getpid(), true},
		{cmd.Process.Pid, os.Getppid(), true},
		{cmd.Process.Pid, 1, true},
		{os.Getpid(), cmd.Process.Pid, false},
		{os.Getpid(), os.Getpid(), false},
		{1, os.Getpid(), false},
	} {
		if got, err := Under(c.pid, c.root); got != c.want || err != nil {
			t.Errorf("Under(%d, %d) = %v, %v", c.pid, c.root, got, err)
		}
	}
	if under, err := Under(1<<30, os.Getpid()); under || err == nil {
		t.Errorf("no process: %v, %v", under, err)
	}
}

// A parent is older than its child. One that is not has the number of one that ended.
func TestL18UnderANumberThatIsAnothers(t *testing.T) {
	tree := map[int]process{9: {parent: 4, start: 50}, 4: {parent: 3, start: 60}, 3: {parent: 1, start: 20}, 1: {start: 1}, 8: {parent: 3, start: 20}}
	look := func(pid int) (process, error) { return tree[pid], nil }
	if under, err := climb(9, 3, look); under || err == nil {
		t.Errorf("an old child of a young parent: %v, %v", under, err)
	}
	for _, pid := range []int{4, 8} {
		if under, err := climb(pid, 3, look); !under || err != nil {
			t.Errorf("%d: %v, %v", pid, under, err)
		}
	}
}
