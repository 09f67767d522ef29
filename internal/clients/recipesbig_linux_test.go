//go:build recipes

package clients_test

import "testing"

// The recipes of programs that only `make recipes` installs. The tag is what keeps them out of
// `make test`: there they would have to be skipped, and a recipe that is not run must not look
// like one that works.
func TestBigRecipes(t *testing.T) {
	for _, r := range recipes {
		if r.big {
			t.Run(r.title(), r.run)
		}
	}
}
