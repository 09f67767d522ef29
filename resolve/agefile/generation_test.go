package agefile

import (
	"path/filepath"
	"testing"
	"time"
)

// askedKeys counts what it is asked.
type askedKeys struct {
	held
	asked int
}

func (k *askedKeys) Generation(id string) string {
	k.asked++
	return k.held.Generation(id)
}

// Where there is no passphrase nothing is locked, and nobody who keeps keys is
// asked; from the moment on that there is one, they are.
func TestGenerationAsksForKeysOnlyOfAPassphrase(t *testing.T) {
	keys := &askedKeys{held: held{keys: map[string][]byte{}}}
	s, err := Config{Dir: filepath.Join(t.TempDir(), "home"), Keys: keys, workFactor: easy}.Create(nil)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Generation()
	if again := s.Generation(); again != before || keys.asked > 0 {
		t.Errorf("%q, then %q; asked %d times", before, again, keys.asked)
	}
	if err := s.Rewrap([]byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	locked := s.Generation()
	if locked == before || keys.asked == 0 {
		t.Errorf("%q with a passphrase, asked %d times", locked, keys.asked)
	}
	if err := s.Release([]byte("correct horse"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if s.Generation() == locked {
		t.Error("unlocking did not change the generation")
	}
}
