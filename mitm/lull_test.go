package mitm

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Where one side has said all, the other may speak for hours, if it is never silent for long.
func TestRelayEndsInALull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var ended atomic.Int64 // set by a timer
		l := &lull{cut: func() { ended.Store(int64(time.Since(began))) }}
		time.Sleep(time.Hour) // both sides are silent, as they may be
		l.heard()
		l.begin()
		for range 100 {
			time.Sleep(idleTimeout - time.Second)
			if _, err := io.ReadAll(heard{strings.NewReader("x"), l}); err != nil {
				t.Fatal(err)
			}
		}
		if after := ended.Load(); after != 0 {
			t.Fatalf("cut after %v", time.Duration(after))
		}
		last := time.Since(began)
		time.Sleep(time.Hour)
		if after := time.Duration(ended.Load()); after != last+idleTimeout {
			t.Errorf("cut after %v, want %v after %v", after, idleTimeout, last)
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
