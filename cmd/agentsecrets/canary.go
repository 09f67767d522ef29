package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/canary"
	"github.com/agentsecrets/agentsecrets/redact"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// canaryError says that our redactor does not find what it should. Whatever
// redacts refuses to start then.
type canaryError struct {
	missed []string // forms
	of     int
}

func (e *canaryError) Error() string {
	return fmt.Sprintf("a made-up value, in %d of %d ways to write it, was not taken out: %s; nothing was started or sent",
		len(e.missed), e.of, strings.Join(e.missed, ", "))
}

// Hint is the command that looks more closely.
func (e *canaryError) Hint() string { return "agentsecrets doctor" }

// proveRedaction fails unless the redactor finds what it should.
func proveRedaction() error {
	e, err := tryRedaction()
	if err == nil && len(e.missed) > 0 {
		err = e
	}
	if err != nil {
		return fmt.Errorf("redaction_broken: %w", err)
	}
	return nil
}

// tryRedaction shows the redactor values that were made up for it, in each form, cut
// in the middle, and notes where it does not cover them and nothing else.
func tryRedaction() (*canaryError, error) {
	e := &canaryError{}
	set, values := redact.NewSet(), canary.Values()
	var all []resolve.Value
	for _, v := range values {
		all = append(all, resolve.New([]byte(v)))
	}
	if err := set.Add(all...); err != nil {
		return nil, err
	}
	for _, v := range values {
		for _, f := range canary.Forms(v) {
			e.note(f.Name+" ("+f.By+")", f.Covered(throughSet(set, &f)))
		}
	}
	part := "<" + values[0][1:] + ">\n"
	e.note("a part of a value, which is to stay", throughSet(set, &canary.Form{Text: part}) == part)
	e.note("fields", coversFields(set, values[1]))
	return e, nil
}

func (e *canaryError) note(what string, ok bool) {
	e.of++
	if !ok && !slices.Contains(e.missed, what) {
		e.missed = append(e.missed, what)
	}
}

// throughSet is the text of f as a client would get it, of which half comes first.
func throughSet(set *redact.Set, f *canary.Form) string {
	half := len(f.Text) / 2
	if !f.Whole {
		w := set.Rewriter()
		out, _ := w.Feed(nil, []byte(f.Text[:half]))
		out, _ = w.Feed(out, []byte(f.Text[half:]))
		out, _ = w.Flush(out)
		return string(out)
	}
	src := io.MultiReader(strings.NewReader(f.Text[:half]), strings.NewReader(f.Text[half:]))
	out, err := io.ReadAll(redact.NewBodyReader(src, set, int64(len(f.Text))))
	if err != nil {
		return ""
	}
	return string(out)
}

// coversFields reports whether v is taken out of the fields of a response.
func coversFields(set *redact.Set, v string) bool {
	h := http.Header{"X-Echo": {"a " + v}, "X-" + strings.ToLower(v): {"b"}}
	n := set.Header(h)
	all := strings.ToLower(fmt.Sprint(h))
	return n.Total() == 2 && strings.Contains(all, "a **********") && !strings.Contains(all, strings.ToLower(v))
}
