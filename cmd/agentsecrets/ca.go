package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/ca/trust"
)

// The daemon's root certificate in trust stores. Runs have roots of their own,
// which nothing is installed for.

func (a *app) caCommand() *cobra.Command {
	var stores []string
	on := func(use, short string, do func(context.Context, trust.Config) (trust.Report, error)) *cobra.Command {
		cmd := &cobra.Command{
			Use: use, Short: short, Args: takes(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.trust(cmd.Context(), use, stores, do) },
		}
		cmd.Flags().StringSliceVar(&stores, "store", nil, "system, nss or java (default all)")
		return cmd
	}
	return group("ca", "The root certificate of the proxy that stays in the background",
		on("install", "Make programs on this machine trust it: whoever holds its key can then read their TLS", trust.Install),
		on("status", "Show which trust stores hold it", trust.Status),
		on("uninstall", "Take it out of the trust stores", trust.Uninstall),
		&cobra.Command{
			Use: "bundle", Short: "Print the system's root certificates and ours, for SSL_CERT_FILE and its like",
			Args: takes(cobra.NoArgs), RunE: func(*cobra.Command, []string) error { return a.caBundle() },
		})
}

func (a *app) trust(ctx context.Context, what string, stores []string, do func(context.Context, trust.Config) (trust.Report, error)) error {
	if what != "status" {
		if err := outsideRun("changing trust stores"); err != nil {
			return err
		}
	}
	c, err := a.trustConfig(what)
	if err != nil {
		return err
	}
	for _, s := range stores {
		if s != trust.System && s != trust.NSS && s != trust.Java {
			return usage("--store %q: it is system, nss or java", s)
		}
	}
	c.Stores = stores
	report, err := do(ctx, c)
	if report == nil && err != nil {
		return err
	}
	return errors.Join(a.print(map[string]any{"stores": report}, func(out io.Writer) {
		for _, r := range report {
			fmt.Fprintf(out, "%-8s %-14s %s\n", r.Store, r.State, r.Place)
			if r.Reason != "" {
				fmt.Fprintf(out, "%-8s %s\n", "", r.Reason)
			}
		}
	}), err)
}

// trustConfig names the certificate and whose stores are meant. Under sudo they
// are those of the user who called it: root's own state has another root.
func (a *app) trustConfig(what string) (trust.Config, error) {
	home, err := a.home()
	if err != nil {
		return trust.Config{}, err
	}
	c := trust.Config{}
	if caller, ok := a.sudoCaller(); ok {
		c.Home = caller.HomeDir
		if a.variable("AGENTSECRETS_HOME") == "" {
			home = filepath.Join(caller.HomeDir, ".agentsecrets")
		}
		c.PEM, err = os.ReadFile(filepath.Join(caDir(home), "ca.pem"))
	} else if what == "install" {
		c.PEM, err = ownRoot(home)
	} else {
		c.PEM, err = os.ReadFile(filepath.Join(caDir(home), "ca.pem"))
	}
	if err != nil {
		return c, &failure{
			code: exitFailure, hint: "agentsecrets proxy start",
			err: fmt.Errorf("there is no root certificate yet in %s: %w", caDir(home), err),
		}
	}
	return c, nil
}

func (a *app) sudoCaller() (*user.User, bool) {
	uid := a.variable("SUDO_UID")
	if os.Geteuid() != 0 || uid == "" || uid == "0" {
		return nil, false
	}
	u, err := user.LookupId(uid)
	return u, err == nil
}

// ownRoot is the certificate, made if this is the first use of it.
func ownRoot(home string) ([]byte, error) {
	authority, err := ca.Open(caDir(home), ca.Config{})
	if err != nil {
		return nil, err
	}
	return authority.PEM(), nil
}

func (a *app) caBundle() error {
	home, err := a.home()
	if err != nil {
		return err
	}
	authority, err := ca.Open(caDir(home), ca.Config{})
	if err != nil {
		return err
	}
	pem, err := authority.Bundle(a.variable("SSL_CERT_FILE"))
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(pem)
	return err
}
