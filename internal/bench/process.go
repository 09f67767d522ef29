package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hello is how a part says that it is ready.
type hello struct {
	URL string `json:"url"` // of the proxy, or of the origin
	CA  string `json:"ca"`  // PEM that verifies it
}

// process is a program under measurement.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer // its end asks the process to end
	deaf   bool      // it does not
	stdout io.Reader
	stderr bytes.Buffer
}

// start runs a program that ends when we do, whatever ends us.
func start(ctx context.Context, dir string, environ []string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, environ, &p.stderr
	p.cmd.SysProcAttr = dieWithUs()
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 3 * time.Second
	in, errIn := p.cmd.StdinPipe()
	out, errOut := p.cmd.StdoutPipe()
	err := errors.Join(errIn, errOut)
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	p.stdin, p.stdout = in, out
	return p, nil
}

// greet waits until the process says how it is reached.
func (p *process) greet() (hello, error) {
	var h hello
	if err := json.NewDecoder(p.stdout).Decode(&h); err != nil {
		p.stop()
		return h, fmt.Errorf("%s did not come up: %w: %s", filepath.Base(p.cmd.Path), err, p.stderr.String())
	}
	return h, nil
}

// stop ends the process and waits for its end.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.stdin.Close()
	if p.deaf {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	kill := time.AfterFunc(3*time.Second, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait()
}

// usage is what a process and those that it started have used so far.
type usage struct {
	cpu      time.Duration
	resident int64 // bytes now; shared pages count in each process
	peak     int64 // most bytes of the process alone
}

// tick is USER_HZ, which Linux fixes at 100 for what /proc shows.
const tick = 10 * time.Millisecond

func (p *process) usage() (usage, error) {
	u, err := usageOf(p.cmd.Process.Pid)
	if err != nil {
		return u, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
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
