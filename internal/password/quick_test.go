package password

import (
	"os/exec"
	"strings"
	"testing"
)

// What makes passwords cheap for tests makes no other program that does.
func TestQuickIsForTestsAlone(t *testing.T) {
	out, err := exec.Command("go", "run", "./testdata/hash").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "$argon2id$v=19$m=65536,t=3,") {
		t.Errorf("as it is built: %s (%v)", out, err)
	}
	out, err = exec.Command("go", "run", "-tags", "quickpassword", "./testdata/hash").CombinedOutput()
	if err == nil || strings.Contains(string(out), "$argon2id$") || !strings.Contains(string(out), "for test programs alone") {
		t.Errorf("with the tag: %s (%v)", out, err)
	}
}
