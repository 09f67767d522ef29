// Command tool is an example of a program built on package client: it asks an API for what
// stands on its standard input, a URL a line, and shows the answers. It names a secret and
// never holds its value.
//
//	echo https://api.stripe.com/v1/balance | tool STRIPE_KEY
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/agentsecrets/agentsecrets/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tool:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, urls io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: tool NAME <URLS")
	}
	c, err := client.New()
	if err != nil {
		return err
	}
	defer c.Close()
	lines := bufio.NewScanner(urls)
	for lines.Scan() {
		ask(ctx, c, lines.Text(), args[0], out)
	}
	return lines.Err()
}

// ask shows what an API answers, and why it could not be asked.
func ask(ctx context.Context, c client.Caller, url, name string, out io.Writer) {
	resp, err := c.Call(ctx, client.Request{URL: url, Bearer: name})
	var up *client.UpstreamError
	switch {
	case err == nil, errors.As(err, &up):
		fmt.Fprintf(out, "%d redacted=%v %s\n", resp.StatusCode, resp.Redacted, resp.Text())
	default:
		fmt.Fprintln(out, err)
	}
}
