package keychain

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
)

// A look opens nothing: there is no prompt that it would have to wait for.
func TestLook(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Unlocked), "helper")})
	if program, err := s.Look(t.Context()); err != nil || !strings.HasPrefix(program, "gnome-keyring") {
		t.Errorf("%q, %v", program, err)
	}
	for kind, want := range map[secretservice.Kind]error{secretservice.Waits: ErrLocked, secretservice.Answered: ErrLocked, secretservice.Bare: ErrUnavailable} {
		s := open(t, Config{Helper: helper(newSession(t, kind), "helper")})
		for range 2 { // the first one has opened nothing
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // a keychain that is opened asks, and nobody answers
			_, err := s.Look(ctx)
			cancel()
			if !errors.Is(err, want) || errors.Is(err, ErrTimeout) {
				t.Fatalf("%s: %v", kind, err)
			}
		}
	}
}
