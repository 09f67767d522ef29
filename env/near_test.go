package env

import "testing"

func TestNear(t *testing.T) {
	names := []string{"development", "staging", "production", "qa", "pay"}
	for name, want := range map[string]string{
		"prodction": "production", "stagin": "staging", "stagnig": "staging", "producton": "production", "pya": "", "paj": "pay",
		"eu": "", "x": "", "": "", "demo": "", "quality": "", "qb": "qa",
	} {
		if got := Near(name, names); got != want {
			t.Errorf("%q is taken for %q, not for %q", name, got, want)
		}
	}
}
