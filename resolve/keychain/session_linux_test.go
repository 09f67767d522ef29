package keychain

import (
	"os"
	"os/exec"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
)

func newSession(t testing.TB, kind secretservice.Kind) *secretservice.Session {
	t.Helper()
	s, err := secretservice.Start(kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// helper is a Config.Helper in a session: a process that plays role, with env set.
func helper(s *secretservice.Session, role string, args ...string) []string {
	return helperWith(s, nil, role, args...)
}

func helperWith(s *secretservice.Session, env []string, role string, args ...string) []string {
	words := append([]string{roleEnv + "=" + role}, env...)
	return s.Command(append(append(words, program(), "keychain-helper"), args...)...)
}

func program() string {
	path, err := secretservice.Program()
	if err != nil {
		panic(err)
	}
	return path
}

func commandOf(line []string) *exec.Cmd { return exec.Command(line[0], line[1:]...) }

func selfCommand(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(program(), args...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", roleEnv+"="+role)
	return cmd
}
