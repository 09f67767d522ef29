package demo

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SearchMemory looks for value in the memory and environment of every process
// below pid, not in that of pid itself.
func SearchMemory(pid int, value []byte) (found []string, err error) {
	below, err := descendants(pid)
	if err != nil {
		return nil, err
	}
	if len(below) == 0 {
		return nil, fmt.Errorf("process %d has no children to look at", pid)
	}
	for _, p := range below {
		names, err := searchProcess(p, value)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			found = append(found, fmt.Sprintf("process %d (%s)", p, n))
		}
	}
	return found, nil
}

func descendants(pid int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	var below []int
	for next := children[pid]; len(next) > 0; next = next[1:] {
		below = append(below, next[0])
		next = append(next, children[next[0]]...)
	}
	return below, nil
}

func searchProcess(pid int, value []byte) ([]string, error) {
	proc := "/proc/" + strconv.Itoa(pid)
	environ, err := os.ReadFile(proc + "/environ")
	if err != nil {
		return nil, fmt.Errorf("search process %d: %w", pid, err)
	}
	maps, err := os.Open(proc + "/maps")
	if err != nil {
		return nil, fmt.Errorf("search process %d: %w", pid, err)
	}
	defer maps.Close()
	mem, err := os.Open(proc + "/mem")
	if err != nil {
		return nil, fmt.Errorf("search process %d: %w", pid, err)
	}
	defer mem.Close()
	names := Seen(environ, value)
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		names = append(names, Seen(readRange(mem, lines.Text()), value)...)
	}
	return names, nil
}

// readRange reads what a line of maps ("from-to rwxp …") names; what cannot be
// read, such as devices, holds nothing that a program got from the network.
func readRange(mem io.ReaderAt, line string) []byte {
	span, rest, _ := strings.Cut(line, " ")
	from, to, _ := strings.Cut(span, "-")
	start, errStart := strconv.ParseInt(from, 16, 64)
	end, errEnd := strconv.ParseInt(to, 16, 64)
	if errStart != nil || errEnd != nil || !strings.HasPrefix(rest, "rw") || end-start > 1<<28 {
		return nil
	}
	b := make([]byte, end-start)
	n, _ := mem.ReadAt(b, start)
	return b[:n]
}
