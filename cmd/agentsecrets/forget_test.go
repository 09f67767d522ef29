package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/env"
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

// A proxy that ends waits for what it does beside: that writes to its log.
func TestCloseWaitsForChores(t *testing.T) {
	home := t.TempDir()
	store, err := new(app).homeStore(home)
	if err != nil {
		t.Fatal(err)
	}
	w := where{Context: env.Context{WorkspaceID: "w"}, home: home}
	h, err := build(plan{where: w, store: store, origins: new(origins), authority: ca.NewEphemeral, address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan bool, 1)
	var did atomic.Bool
	h.regularly(time.Millisecond, func() {
		did.Store(false)
		select {
		case begun <- true:
		default:
		}
		time.Sleep(100 * time.Millisecond)
		did.Store(true)
	})
	served := h.start()
	<-begun
	if err := h.close(0); err != nil {
		t.Error(err)
	}
	if !did.Load() {
		t.Error("closed in the middle of a chore")
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

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
