package redact

import (
	"bytes"
	"testing"
)

// A text that comes byte by byte, as one is that an origin drips, is not searched
// again for each byte, whatever is held of it; and what is held never passes 4 KiB.
func TestSlowTextCostsNoMore(t *testing.T) {
	const n = 32 << 10
	for name, c := range map[string]struct {
		text []byte
		each int // bytes searched for each that came, in all layers
	}{
		"escapes without an end": {bytes.Repeat([]byte(`%5cu0041\"`), n/10), (1 + layers) * (4097/512 + 1)},
		"signs without an end":   {bytes.Repeat([]byte(`\`), n), (1 + layers) * (4097/512 + 1)},
		"words":                  {bytes.Repeat([]byte(`a\"b `), n/5), 1 + layers},
		"long lines":             {bytes.Repeat(append(bytes.Repeat([]byte(`%41`), 1200), '\n'), n/3601), 1 + layers},
		"UTF-16":                 {bytes.Repeat([]byte("%\x004\x001\x00"), n/6), (1 + layers) * (4097/512 + 1)},
		"halves of UTF-16":       {bytes.Repeat([]byte("a\x00\x00"), n/3), 1 + layers},
	} {
		s := setWith(key, sample)
		w := s.Rewriter()
		var out []byte
		for i := range c.text {
			out, _ = w.Feed(out, c.text[i:i+1])
			if held := i + 1 - len(out); held > s.limits.hold {
				t.Fatalf("%s: %d bytes are held", name, held)
			}
		}
		if out, _ = w.Flush(out); !bytes.Equal(out, c.text) {
			t.Errorf("%s: changed", name)
		}
		if most := c.each*len(c.text) + (1+layers)*s.limits.hold; w.finder.looked > most {
			t.Errorf("%s: %d bytes were searched, %d at most for %d", name, w.finder.looked, most, len(c.text))
		}
	}
}
