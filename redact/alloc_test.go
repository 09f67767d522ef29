package redact

import "testing"

// A stream that is fed chunk by chunk, as WebSocket messages are, allocates
// nothing for one, echoes in it or not. TestReaderDoesNotAllocate is for readers.
func TestFeedAllocatesNothing(t *testing.T) {
	const key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
	for name, text := range map[string][]byte{
		"without an echo": events(32 << 10),
		"with echoes":     append(events(32<<10), key+" and "+key+"\n"+key[:20]...),
	} {
		s := setWith(key, "12345678")
		w, dst := s.Rewriter(), make([]byte, 0, 64<<10)
		feed := func() { dst, _ = w.Feed(dst[:0], text) }
		for range 20 { // the memory of what is held has grown by then
			feed()
		}
		if n := testing.AllocsPerRun(200, feed); n > 0 {
			t.Errorf("%s: %v allocations a chunk", name, n)
		}
	}
}
