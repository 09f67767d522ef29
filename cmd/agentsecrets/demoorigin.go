package main

import (
	"fmt"
	"io"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/demo"
)

// demoOriginCommand is the origin of the demo: it writes its root certificate to
// a file, its port as the first line of standard output, then what it was sent,
// and ends with its standard input.
func (a *app) demoOriginCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo-origin CA-FILE", Hidden: true,
		Args: takes(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return a.demoOrigin(args[0]) },
	}
}

func (a *app) demoOrigin(caFile string) error {
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return err
	}
	leaf, err := authority.Leaf(demoHost)
	if err != nil {
		return err
	}
	if err := os.WriteFile(caFile, authority.PEM(), 0o600); err != nil {
		return fmt.Errorf("write the origin's root certificate: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintln(a.stdout, l.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, a.stdin)
		l.Close()
	}()
	_ = demo.ServeOrigin(l, leaf, a.stdout) // ends with the listener
	return nil
}
