// Package client is the Go SDK: calls with secrets that this process never holds.
//
//	c, err := client.New()
//	resp, err := c.Call(ctx, client.Request{URL: "https://api.stripe.com/v1/balance", Bearer: "STRIPE_KEY"})
//	err = resp.JSON(&balance)
//
//	hc, err := c.HTTPClient() // for libraries: placeholders in, no code changed
//	req.Header.Set("Authorization", "Bearer "+client.Placeholder("STRIPE_KEY"))
//
//	result, err := c.Spawn(ctx, "stripe", "mcp") // the program gets the values, we do not
//
// It talks to the agentsecrets proxy on this machine, which puts values in and takes
// echoes out, and to the agentsecrets command. There is no Get: no type here has a field
// for a value, and nothing that the proxy or the command answers has one. Every error
// is an [*Error], which names the command that would fix it.
package client
