package canary

import (
	"slices"
	"strings"
)

// Fields are the forms of value that can stand in a field of a head, and in a text
// message.
func Fields(value string) []Form {
	return slices.DeleteFunc(Forms(value), func(f Form) bool {
		return f.Whole || strings.ContainsFunc(f.Text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
	})
}

// Streamed are the forms of value that are found in what comes piece by piece.
func Streamed(value string) []Form {
	return slices.DeleteFunc(Forms(value), func(f Form) bool { return f.Whole })
}

// Joined is the text of all forms.
func Joined(forms []Form, between string) string {
	texts := make([]string, len(forms))
	for i, f := range forms {
		texts[i] = f.Text
	}
	return strings.Join(texts, between)
}

// Missed names the forms that got, which was sent as Joined, has still in it.
func Missed(forms []Form, between, got string) []string {
	var missed []string
	whole := len(got) == len(Joined(forms, between))
	for _, f := range forms {
		if !whole || !f.Covered(got[:len(f.Text)]) {
			missed = append(missed, f.Name+" ("+f.By+")")
		}
		if whole {
			got = strings.TrimPrefix(got[len(f.Text):], between)
		}
	}
	return missed
}
