package placeholder_test

import (
	"bytes"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/stream"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Text without a placeholder costs no allocation, however it is expanded and
// however long its stream runs.
func TestAllocatesNothing(t *testing.T) {
	none := func(string) ([]byte, error) { return nil, nil }
	field := func(string, string) ([]byte, error) { return nil, nil }
	lines := bytes.Repeat([]byte("GET /v1/things AS_SEC and some AS_WORDS of text\n"), 500)
	document := append([]byte("["), bytes.Repeat([]byte(`{"id":12,"a name":"a \"value\" of text","list":[true,null,1e5]},`), 400)...)
	dst := make([]byte, 0, 128<<10)
	for name, c := range map[string]struct {
		rw          stream.Rewriter
		first, then []byte
	}{
		"any":  {placeholder.NewAny(none), nil, lines},
		"JSON": {placeholder.NewJSON(field), document[:1], document[1:]},
		"form": {placeholder.NewForm(field), nil, bytes.Repeat([]byte("name=a+value&other=%41nd&"), 1000)},
	} {
		feed := func(chunk []byte) {
			var err error
			if dst, err = c.rw.Feed(dst[:0], chunk); err != nil {
				t.Fatal(err)
			}
		}
		feed(c.first)
		for range 5 {
			feed(c.then)
		}
		if n := testing.AllocsPerRun(100, func() { feed(c.then) }); n > 0 {
			t.Errorf("%s: %v allocations a chunk", name, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { dst, _ = placeholder.Expand(dst[:0], lines, none) }); n > 0 {
		t.Errorf("Expand: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { placeholder.Find(lines) }); n > 0 {
		t.Errorf("Find: %v allocations", n)
	}
}
