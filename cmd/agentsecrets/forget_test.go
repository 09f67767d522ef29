package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// anyStore takes all values and keeps none.
type anyStore struct{}

func (anyStore) Resolve(context.Context, resolve.Ref) (resolve.Value, error) {
	return resolve.Value{}, errors.New("the store was asked")
}
func (anyStore) Generation() string                                    { return "" }
func (anyStore) Set(context.Context, resolve.Ref, resolve.Value) error { return nil }
func (anyStore) Delete(context.Context, resolve.Ref) error             { return nil }

// A secret is replaced once it was set again or deleted, by what the index says;
// of what cannot be read it says nothing.
func TestReplacedIn(t *testing.T) {
	home := t.TempDir()
	x := index(home)
	for _, name := range []string{"KEPT", "DELETED"} {
		if err := x.Set(t.Context(), anyStore{}, resolve.Ref{Project: "p", Environment: "e", Name: name}, resolve.New([]byte("v"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Delete(t.Context(), anyStore{}, resolve.Ref{Project: "p", Environment: "e", Name: "DELETED"}); err != nil {
		t.Fatal(err)
	}
	before, after := time.Now().Add(-time.Minute), time.Now().Add(time.Minute)
	for _, c := range []struct {
		name, environment string
		since             time.Time
		want              bool
	}{
		{"KEPT", "e", after, false},
		{"KEPT", "e", before, true},
		{"DELETED", "e", after, true},
		{"KEPT", "another", after, true},
	} {
		if got := replacedIn(x)("p", c.environment, c.name, c.since); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "index.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if replacedIn(x)("p", "e", "DELETED", before) {
		t.Error("what cannot be read says that a value was replaced")
	}
}
