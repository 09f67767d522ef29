package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

// hello is how a part says that it is ready.
type hello struct {
	URL string `json:"url"` // of the proxy, or of the origin
	CA  string `json:"ca"`  // PEM that verifies it
}

// start runs a part of this program, or the program under measurement around one.
func start(ctx context.Context, dir string, environ []string, args ...string) (*held.Process, hello, error) {
	p, err := held.Start(ctx, held.Program{Dir: dir, Env: environ, Args: args, Greets: true})
	if err != nil {
		return nil, hello{}, err
	}
	var said hello
	err = p.Greet(&said)
	return p, said, err
}

// usage is what a process and those that it started have used so far.
type usage struct {
	cpu      time.Duration
	resident int64 // bytes now; shared pages count in each process
	peak     int64 // most bytes of the process alone
}

// tick is USER_HZ, which Linux fixes at 100 for what /proc shows.
const tick = 10 * time.Millisecond

func used(p *held.Process) (usage, error) {
	u, err := usageOf(p.Cmd.Process.Pid)
	if err != nil {
		return u, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if err != nil {
		return u, fmt.Errorf("read peak memory: %w", err)
	}
	u.peak, err = peakIn(status)
	return u, err
}

func usageOf(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read CPU time: %w", err)
	}
	u, err := parseStat(stat)
	if err != nil {
		return usage{}, err
	}
	for _, child := range children(pid) {
		c, err := usageOf(child)
		if err != nil {
			continue // it has ended since
		}
		u.cpu += c.cpu
		u.resident += c.resident
	}
	return u, nil
}

// parseStat reads /proc/PID/stat. The name, in parentheses, may hold anything:
// fields count from behind it (proc_pid_stat(5): utime 14, stime 15, rss 24).
func parseStat(stat []byte) (usage, error) {
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(f) < 22 {
		return usage{}, errors.New("/proc/PID/stat has too few fields")
	}
	var n [3]int64
	for i, at := range []int{11, 12, 21} {
		v, err := strconv.ParseInt(f[at], 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("read /proc/PID/stat: %w", err)
		}
		n[i] = v
	}
	return usage{cpu: time.Duration(n[0]+n[1]) * tick, resident: n[2] * int64(os.Getpagesize())}, nil
}

func peakIn(status []byte) (int64, error) {
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/PID/status names no VmHWM")
}

// children lists the processes that any thread of pid started.
func children(pid int) []int {
	var all []int
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended since
		}
		for _, text := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(text); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}
