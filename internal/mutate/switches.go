package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// marker is in every binary that was built with switches. Which fault is on is
// changed in the binary itself, so that it is so in all that the tests start.
const marker = "the fault that is on: 0000"

// switches are faults that are built all at once.
type switches struct {
	tree, bin string
	numbers   map[string]string // of faults, by name
	building  sync.Mutex
	built     map[string]outcome // by package, how that went
}

// newSwitches weaves what can be woven into a copy of the tree.
func newSwitches(ctx context.Context, dir string, faults []fault) (*switches, error) {
	s := &switches{tree: filepath.Join(dir, "tree"), bin: filepath.Join(dir, "bin"), numbers: map[string]string{}, built: map[string]outcome{}}
	if err := copyTree(ctx, s.tree); err != nil {
		return nil, err
	}
	return s, s.weave(ctx, faults)
}

// weave leaves out faults that the compiler refuses until there are none.
func (s *switches) weave(ctx context.Context, faults []fault) error {
	byFile := map[string][]numbered{}
	for i, f := range faults {
		if filepath.Ext(f.file) == ".go" && !strings.HasSuffix(f.file, "_test.go") {
			byFile[f.file] = append(byFile[f.file], numbered{f, fmt.Sprintf("%04d", i+1)})
		}
	}
	originals := map[string]string{}
	for file := range byFile {
		text, err := os.ReadFile(filepath.Join(s.tree, file))
		if err != nil {
			return err
		}
		originals[file] = string(text)
	}
	for len(byFile) > 0 {
		if err := s.write(originals, byFile); err != nil {
			return err
		}
		refused, err := s.compile(ctx, byFile)
		if err != nil || len(refused) == 0 {
			return err
		}
		known := false
		for file, ns := range byFile {
			byFile[file] = slices.DeleteFunc(ns, func(n numbered) bool { return refused[n.number] })
			known = known || len(byFile[file]) < len(ns)
		}
		if !known {
			return fmt.Errorf("the compiler refuses faults that are not there: %v", slices.Sorted(maps.Keys(refused)))
		}
	}
	return nil
}

// write writes woven files, and what tells them which fault is on.
func (s *switches) write(originals map[string]string, byFile map[string][]numbered) error {
	clear(s.numbers)
	for file, faults := range byFile {
		text, woven, err := weave(originals[file], faults)
		if err != nil {
			return fmt.Errorf("weave %s: %w", file, err)
		}
		for _, n := range woven {
			s.numbers[n.name] = n.number
		}
		path := filepath.Join(s.tree, file)
		pkg := packageClause.FindString(text)
		err = errors.Join(os.WriteFile(path, []byte(text), 0o644),
			os.WriteFile(filepath.Join(filepath.Dir(path), "mutant__.go"), fmt.Appendf(nil, "%s\n\nvar mutant__ = %q\n", pkg, marker), 0o644))
		if err != nil {
			return err
		}
	}
	return nil
}

var (
	packageClause = regexp.MustCompile(`(?m)^package \w+`)
	position      = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: (.*)$`)
	copyNumber    = regexp.MustCompile(`__m(\d{4})\b`)
)

// compile returns the numbers of the faults that the compiler refuses.
func (s *switches) compile(ctx context.Context, byFile map[string][]numbered) (map[string]bool, error) {
	args := []string{"build", "-trimpath"}
	dirs := map[string]bool{}
	for file := range byFile {
		dirs["./"+filepath.Dir(file)] = true
	}
	cmd := exec.CommandContext(ctx, "go", slices.Concat(args, slices.Sorted(maps.Keys(dirs)))...)
	cmd.Dir = s.tree
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	refused := map[string]bool{}
	for _, m := range position.FindAllStringSubmatch(string(out), -1) {
		for _, n := range blamed(filepath.Join(s.tree, m[1]), m[2], m[3]) {
			refused[n] = true
		}
	}
	if len(refused) == 0 {
		return nil, fmt.Errorf("build with switches: %w: %s", err, lastLines(out))
	}
	return refused, ctx.Err()
}

// blamed are the faults that a message of the compiler is about: the one that is
// named in it, or in whose copy it is, or all of those of a function that calls its copies.
func blamed(path, line, message string) []string {
	if m := copyNumber.FindStringSubmatch(message); m != nil {
		return m[1:]
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	lines := strings.Split(string(text), "\n")
	var n int
	if _, err := fmt.Sscan(line, &n); err != nil || n > len(lines) {
		return nil
	}
	for ; n > 0; n-- {
		if found := copyNumber.FindAllStringSubmatch(lines[n-1], -1); found != nil {
			var numbers []string
			for _, m := range found {
				numbers = append(numbers, m[1])
			}
			return numbers
		}
	}
	return nil
}

// off returns the test binary of a package with no fault on, built once.
func (s *switches) off(ctx context.Context, pkg string) (string, outcome) {
	s.building.Lock()
	defer s.building.Unlock()
	path := filepath.Join(s.bin, binaryName(pkg))
	o, ok := s.built[pkg]
	if !ok {
		o = build(ctx, s.tree, pkg, path)
		s.built[pkg] = o
	}
	return path, o
}

// on writes the test binary of a package with a fault on.
func (s *switches) on(ctx context.Context, f fault, to string) outcome {
	number := s.numbers[f.name]
	if number == "" {
		return outcome{end: untried, why: "not one that can be turned on"}
	}
	off, o := s.off(ctx, f.tests[0])
	if o.end != passed {
		return o
	}
	b, err := os.ReadFile(off)
	if err == nil && !bytes.Contains(b, []byte(marker)) {
		return outcome{end: untried, why: "not in the tests of " + f.tests[0]}
	}
	if err == nil {
		_ = os.Remove(to) // it may still run
		b = bytes.ReplaceAll(b, []byte(marker), []byte(marker[:len(marker)-len(number)]+number))
		err = os.WriteFile(to, b, 0o755)
	}
	if err != nil {
		return outcome{end: untried, why: err.Error()}
	}
	return outcome{}
}
