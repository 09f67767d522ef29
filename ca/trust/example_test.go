package trust_test

import (
	"context"
	"fmt"
	"os"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/ca/trust"
)

func Example() {
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	home, err := os.MkdirTemp("", "home") // of somebody who has no browser
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)

	report, err := trust.Install(context.Background(), trust.Config{
		PEM: authority.PEM(), Stores: []string{trust.NSS}, Home: home,
	})
	for _, r := range report {
		fmt.Println(r.Store, r.State)
	}
	fmt.Println(err)
	// Output:
	// nss not available
	// <nil>
}
