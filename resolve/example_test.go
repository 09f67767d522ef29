package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/resolve"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

func Example() {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "agentsecrets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	store, err := agefile.Create(home)
	if err != nil {
		fmt.Println(err)
		return
	}

	index := resolve.OpenIndex(filepath.Join(home, "names.json"))
	ref := resolve.Ref{Project: "p1", Environment: "production", Name: "STRIPE_KEY"}
	if err := index.Set(ctx, store, ref, resolve.New([]byte("sk_test_1234"))); err != nil {
		fmt.Println(err)
		return
	}

	resolver, err := resolve.NewResolver(resolve.Config{Store: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := resolver.Resolve(ctx, ref)
	fmt.Println(value, err)
	fmt.Printf("%d bytes\n", len(value.Reveal()))

	ref.Name = "OTHER_KEY"
	_, err = resolver.Resolve(ctx, ref)
	fmt.Println(errors.Is(err, resolve.ErrNotFound))
	// Output:
	// [secret value] <nil>
	// 12 bytes
	// true
}

func ExampleValidName() {
	err := resolve.ValidName("stripe-key")
	fmt.Println(err)
	var hint interface{ Hint() string }
	if errors.As(err, &hint) {
		fmt.Println(hint.Hint())
	}
	// Output:
	// "stripe-key" cannot be the name of a secret: it must begin with a letter A to Z
	// agentsecrets secrets set STRIPE_KEY
}
