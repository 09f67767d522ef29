package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

func Example() {
	ctx := context.Background()
	session, err := secretservice.Start(secretservice.Unlocked) // a keychain for this example; there is one on a desktop
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Stop()
	dir, err := os.MkdirTemp("", "agentsecrets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	store, err := Open(Config{
		Helper: helper(session, "helper"), // in a program: os.Executable() and the subcommand that calls ServeHelper
		Dir:    dir,
		// For a person at a prompt, or a busy machine.
		Patient: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(store.Available(ctx))

	ref := resolve.Ref{Project: "p1", Environment: "production", Name: "STRIPE_KEY"}
	if err := store.Set(ctx, ref, resolve.New([]byte("sk_test_1234"))); err != nil {
		fmt.Println(err)
		return
	}
	value, err := store.Resolve(ctx, ref)
	fmt.Println(value, err, len(value.Reveal()))

	fmt.Println(store.Delete(ctx, ref))
	_, err = store.Resolve(ctx, ref)
	fmt.Println(errors.Is(err, resolve.ErrNotFound))
	// Output:
	// <nil>
	// [secret value] <nil> 12
	// <nil>
	// true
}
