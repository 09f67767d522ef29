// Package runtree tells whether a process was started inside a run.
//
//	if inside, err := runtree.Inside(); err != nil || inside {
//		return errRefusedInRun // what cannot be told counts as inside
//	}
//	…
//	runtree.Mark() // from here on, everything we start is inside a run
//
// Guarantees: the answer comes from the processes that started this one, never
// from a variable or a file, which a client could change; a process in a run
// cannot leave it by forking, since a run is the reaper of its orphans.
package runtree

import (
	"errors"
	"fmt"
	"os"
)

// Inside reports whether an ancestor of this process is a run. An error means
// that it cannot be told.
func Inside() (bool, error) { return retry(os.Getppid) }

// Within reports whether process pid is a run or descends from one.
func Within(pid int) (bool, error) { return retry(func() int { return pid }) }

// Below reports whether process pid descends from a run. It may be one itself.
func Below(pid int) (bool, error) {
	p, err := look(pid)
	if err != nil {
		return false, fmt.Errorf("tell whether process %d is inside a run: %w", pid, err)
	}
	return Within(p.parent)
}

// Under reports whether process pid descends from process root, which has to live: a
// number that is another process's by now leads nowhere.
func Under(pid, root int) (bool, error) {
	under, err := climb(pid, root, look)
	if err != nil {
		return false, fmt.Errorf("tell whether process %d descends from %d: %w", pid, root, err)
	}
	return under, nil
}

func climb(pid, root int, look func(int) (process, error)) (bool, error) {
	child, err := look(pid)
	for depth := 0; err == nil && child.parent > 0; depth++ {
		if depth > maxDepth {
			return false, errors.New("the process tree does not end")
		}
		var parent process
		if parent, err = look(child.parent); err != nil {
			break
		}
		if parent.start > child.start { // its parent has ended, and another has its number
			return false, errGone
		}
		if child.parent == root {
			return true, nil
		}
		child = parent
	}
	return false, err
}

// Any reports whether any process of our user descends from a run. One of which
// cannot be told where it is could be that one.
func Any() (bool, error) {
	pids, err := ours()
	if err != nil {
		return false, fmt.Errorf("look for programs inside runs: %w", err)
	}
	for _, pid := range pids {
		inside, err := Below(pid)
		if errors.Is(err, errGone) {
			continue // the parent of one that has not ended is there, or becomes another
		}
		if inside || err != nil {
			return inside, err
		}
	}
	return false, nil
}

// Descendants are the processes of our user that process pid started, and those
// that they started, as they are at the moment.
func Descendants(pid int) ([]int, error) {
	pids, err := ours()
	if err != nil {
		return nil, fmt.Errorf("look for what process %d started: %w", pid, err)
	}
	parent := map[int]int{}
	for _, p := range pids {
		if at, err := look(p); err == nil {
			parent[p] = at.parent
		}
	}
	var found []int
	for p := range parent {
		for up, depth := parent[p], 0; up > 0 && depth < maxDepth; up, depth = parent[up], depth+1 {
			if up == pid {
				found = append(found, p)
				break
			}
		}
	}
	return found, nil
}

// errGone is a process that ended while we walked, or that this system hides.
var errGone = errors.New("a process on the way up is gone or hidden")

func retry(start func() int) (bool, error) {
	var inside bool
	var err error
	for range 5 {
		if inside, err = walk(start(), look); !errors.Is(err, errGone) {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("tell whether this is inside a run: %w", err)
	}
	return inside, nil
}

// process is what a walk wants to know of one.
type process struct {
	parent int
	isRun  bool
	start  uint64 // since the system was, in a unit of its own; 0: not told
}

// maxDepth is more generations than any machine has; it ends a walk on a
// system that answers nonsense.
const maxDepth = 100_000

// walk goes up from pid until there is no parent.
func walk(pid int, look func(int) (process, error)) (bool, error) {
	for depth := 0; pid > 0; depth++ {
		if depth > maxDepth {
			return false, errors.New("the process tree does not end")
		}
		p, err := look(pid)
		if err != nil {
			return false, err
		}
		if p.isRun {
			return true, nil
		}
		pid = p.parent
	}
	return false, nil
}
