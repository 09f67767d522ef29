package audit

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	l.file.limit = 3 << 10
	for i := range 20 {
		write(t, l, Event{ID: fmt.Sprint(i), Event: Decided, Method: `{"id":"7"}`})
		write(t, l, Event{ID: fmt.Sprint(i), Event: Done})
	}
	for _, path := range []string{dir, l.Path()} {
		for i := range 20 {
			events, err := Find(path, fmt.Sprint(i))
			if err != nil || len(events) != 2 || events[0].Event != Decided || events[1].Event != Done {
				t.Fatalf("%s, %d: %+v, %v", path, i, events, err)
			}
		}
		for _, id := range []string{"", "1\"", "20", "\n", "x"} {
			if events, err := Find(path, id); err != nil || len(events) > 0 {
				t.Errorf("%q: %+v, %v", id, events, err)
			}
		}
	}
	if events, err := Find(filepath.Join(dir, "none"), "1"); err != nil || len(events) > 0 {
		t.Errorf("%+v, %v", events, err)
	}
}
