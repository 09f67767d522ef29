package allowlist

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy", "wsp_1.json")
	if list, bad, err := Changes(path, 0); len(list) != 0 || bad != 0 || err != nil {
		t.Errorf("%v, %d, %v", list, bad, err)
	}
	noted := func(action string, err error) func(*Policy) error {
		return func(p *Policy) error {
			p.Note(Change{Action: action, Rule: "a.test", Outcome: Done})
			return err
		}
	}
	if err := UpdatePolicy(path, noted("add", nil)); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no")
	if err := UpdatePolicy(path, noted("never", refused)); !errors.Is(err, refused) {
		t.Error(err)
	}
	bad := func(p *Policy) error { p.Rules = []Rule{{}}; return noted("never", nil)(p) }
	if err := UpdatePolicy(path, bad); err == nil {
		t.Error("a policy that is none was written")
	}
	if err := NoteRefused(path, []Change{{Action: "remove", Outcome: Denied}, {Action: "bind", Outcome: RefusedInRun}}); err != nil {
		t.Fatal(err)
	}
	log := strings.TrimSuffix(path, ".json") + ".log"
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("{\"action\":\"cut o"); err != nil { // as a crash leaves it
		t.Fatal(err)
	}
	f.Close()
	if err := UpdatePolicy(path, noted("after", nil)); err != nil {
		t.Fatal(err)
	}
	list, n, err := Changes(path, 0)
	var got []string
	for _, c := range list {
		got = append(got, c.Action+" "+c.Outcome)
	}
	if want := "add done, remove denied, bind refused in a run, after done"; strings.Join(got, ", ") != want || n != 1 || err != nil {
		t.Errorf("%v, %d bad, %v, want %s", got, n, err, want)
	}
	if list, _, _ := Changes(path, 1); len(list) != 1 || list[0].Action != "after" {
		t.Errorf("the last: %v", list)
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// What cannot be written down is not done.
func TestNoChangeWithoutItsNote(t *testing.T) {
	path, _ := sealedPolicy(t)
	if err := os.Mkdir(strings.TrimSuffix(path, ".json")+".log", 0o700); err != nil {
		t.Fatal(err)
	}
	before := load(t, path)
	err := UpdatePolicy(path, func(p *Policy) error {
		p.Note(Change{Action: "clear"})
		p.Rules = nil
		return nil
	})
	if after := load(t, path); err == nil || len(after.Rules) != len(before.Rules) {
		t.Errorf("%v, %v", err, after.Rules)
	}
}

// Many write at once: no change is lost, and each line is one piece.
func TestA6ChangesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy", "wsp_1.json")
	const n = 20
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			rule, err := ParseRule(fmt.Sprintf("h%d.test", i))
			if err != nil {
				t.Error(err)
			}
			if err := NoteRefused(path, []Change{{Action: "add", Rule: strings.Repeat("x", 5000)}}); err != nil {
				t.Error(err)
			}
			err = UpdatePolicy(path, func(p *Policy) error {
				p.Note(Change{Action: "add"})
				p.Rules = append(p.Rules, rule)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if list, bad, err := Changes(path, 0); len(list) != 2*n || bad != 0 || err != nil {
		t.Errorf("%d changes, %d bad, %v", len(list), bad, err)
	}
	if p := load(t, path); len(p.Rules) != n {
		t.Errorf("%d rules, want %d", len(p.Rules), n)
	}
}

// However much is refused, the log stays small, and tells of the last.
func TestA1LogOfChangesIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy", "wsp_1.json")
	tried := make([]Change, 200)
	for i := range tried {
		tried[i] = Change{Action: "add", Rule: strings.Repeat("é", 50_000), Outcome: RefusedInRun}
	}
	for range 20 {
		if err := NoteRefused(path, tried); err != nil {
			t.Fatal(err)
		}
	}
	if err := NoteRefused(path, []Change{{Action: "bind", Outcome: Denied}}); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 3<<20 || len(files) > 4 { // both files, and those of the lock
		t.Errorf("%d bytes in %d files", size, len(files))
	}
	list, bad, err := Changes(path, 0)
	if bad != 0 || err != nil || len(list) < 1000 || list[len(list)-1].Action != "bind" || list[len(list)-2].Action != "add" {
		t.Errorf("%d changes, %d bad, %v", len(list), bad, err)
	}
	if rule := list[0].Rule; len(rule) > 1100 || !strings.HasSuffix(rule, "é…") {
		t.Errorf("a rule of %d bytes is written down", len(rule))
	}
}
