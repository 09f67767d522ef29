package grid

import (
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	var b strings.Builder
	Write(&b, [][]string{{"Form", "Cells"}, {"größer", "7"}, {"", "1234567"}})
	want := "| Form   | Cells   |\n|--------|---------|\n| größer | 7       |\n|        | 1234567 |\n"
	if b.String() != want {
		t.Errorf("%s, not\n%s", b.String(), want)
	}
}
