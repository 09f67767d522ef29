package mitm

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Where one side has said all, the other may speak for hours, if it is never silent for long.
func TestRelayEndsInALull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var ended time.Duration
		l := &lull{cut: func() { ended = time.Since(began) }}
		time.Sleep(time.Hour) // both sides are silent, as they may be
		l.heard()
		l.begin()
		for range 100 {
			time.Sleep(idleTimeout - time.Second)
			if _, err := io.ReadAll(heard{strings.NewReader("x"), l}); err != nil {
				t.Fatal(err)
			}
		}
		if ended != 0 {
			t.Fatalf("cut after %v", ended)
		}
		last := time.Since(began)
		time.Sleep(time.Hour)
		if ended != last+idleTimeout {
			t.Errorf("cut after %v, want %v after %v", ended, idleTimeout, last)
		}
		l.end()
	})
	synctest.Test(t, func(t *testing.T) {
		l := &lull{cut: func() { t.Error("cut after its end") }}
		l.begin()
		l.end()
		time.Sleep(time.Hour)
	})
}
