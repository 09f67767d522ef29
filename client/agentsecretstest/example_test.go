package agentsecretstest_test

import (
	"context"
	"fmt"

	"github.com/agentsecrets/agentsecrets/client"
	"github.com/agentsecrets/agentsecrets/client/agentsecretstest"
)

// balance is what a test is about: it takes whatever makes calls.
func balance(ctx context.Context, c client.Caller) (int, error) {
	resp, err := c.Call(ctx, client.Request{URL: "https://api.stripe.com/v1/balance", Bearer: "STRIPE_KEY"})
	if err != nil {
		return 0, err
	}
	var b struct{ Available int }
	return b.Available, resp.JSON(&b)
}

func ExampleMock() {
	mock := agentsecretstest.NewMock("STRIPE_KEY")
	mock.Answer = func(client.Request) (*client.Response, error) {
		return &client.Response{StatusCode: 200, Body: []byte(`{"available":42}`)}, nil
	}
	_, err := balance(context.Background(), mock)
	fmt.Println(err)
	call := mock.Calls()[0] // there is no value in it
	fmt.Println(call.URL, call.Bearer)
	// Output:
	// <nil>
	// https://api.stripe.com/v1/balance STRIPE_KEY
}
