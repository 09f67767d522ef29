package resolve

import (
	"testing"
	"testing/synctest"
	"time"
)

// A value that nobody asks for any more is let go of when its time is over, not when the next question comes.
func TestL6IdleValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "one")
		r := newResolver(t, Config{Store: m})
		expect(t, r, ref("KEY"), "one")
		held := func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.known)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if held() != 1 {
			t.Error("it is not cached")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if held() != 0 {
			t.Error("a value outlives its minute")
		}
	})
}
