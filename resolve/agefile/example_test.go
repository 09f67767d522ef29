package agefile_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/agentsecrets/agentsecrets/resolve"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "agentsecrets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	_, err = agefile.Open(dir)
	fmt.Println(errors.Is(err, agefile.ErrNoVault))

	store, err := agefile.Create(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	ref := resolve.Ref{Project: "p1", Environment: "production", Name: "STRIPE_KEY"}
	before := store.Generation()
	if err := store.Set(ctx, ref, resolve.New([]byte("sk_test_1234"))); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(store.Generation() != before)

	value, err := store.Resolve(ctx, ref)
	fmt.Println(value, err, len(value.Reveal()))
	// Output:
	// true
	// true
	// [secret value] <nil> 12
}
