package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"time"

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
	c, roots, err := a.trustConfig(what)
	if err != nil {
		return err
	}
	for _, s := range stores {
		if s != trust.System && s != trust.NSS && s != trust.Java {
			return usage("--store %q: it is system, nss or java", s)
		}
	}
	c.Stores = stores
	shown := trustJSON{Stores: []storeJSON{}}
	defer a.during("asking the trust stores")()
	for _, r := range roots {
		c.PEM = r.PEM
		report, doErr := do(ctx, c)
		if report == nil && doErr != nil {
			return doErr
		}
		err = errors.Join(err, doErr)
		shown.add(r, report)
	}
	return errors.Join(a.print(shown, shown.write), err)
}

// trustJSON is how it is with the roots, and with them in the stores.
type trustJSON struct {
	Stores []storeJSON `json:"stores"`
	Roots  []rootJSON  `json:"roots"`
}

type storeJSON struct {
	trust.Result
	Root string `json:"root"` // its name
}

type rootJSON struct {
	Name     string    `json:"name"`
	From     time.Time `json:"signs_from"`
	Until    time.Time `json:"signs_until"`
	NotAfter time.Time `json:"not_after"`
}

func (t *trustJSON) add(r ca.Root, report trust.Report) {
	t.Roots = append(t.Roots, rootJSON{r.Name, r.From.UTC(), r.Until.UTC(), r.NotAfter.UTC()})
	for _, one := range report {
		t.Stores = append(t.Stores, storeJSON{one, r.Name})
	}
}

func (t trustJSON) write(out io.Writer) {
	for _, root := range t.Roots {
		fmt.Fprintf(out, "%s signs from %s to %s\n", root.Name, root.From.Format(time.DateOnly), root.Until.Format(time.DateOnly))
		for _, r := range t.Stores {
			if r.Root != root.Name {
				continue
			}
			fmt.Fprintf(out, "%-8s %-14s %s\n", r.Store, r.State, r.Place)
			if r.Reason != "" {
				fmt.Fprintf(out, "%-8s %s\n", "", r.Reason)
			}
		}
	}
}

// trustConfig says whose stores are meant, and which roots: near the end of one
// there is the next one too. Under sudo they are those of the user who called
// it: root's own state has another root.
func (a *app) trustConfig(what string) (trust.Config, []ca.Root, error) {
	home, err := a.home()
	if err != nil {
		return trust.Config{}, nil, err
	}
	c := trust.Config{}
	caller, ok := a.sudoCaller()
	if ok {
		c.Home = caller.HomeDir
		if a.variable("AGENTSECRETS_HOME") == "" {
			home = filepath.Join(caller.HomeDir, ".agentsecrets")
		}
	}
	if what == "install" && !ok { // made if this is the first use of it
		if _, err := ca.Open(caDir(home), ca.Config{}); err != nil {
			return c, nil, err
		}
	}
	roots, err := ca.Roots(caDir(home))
	if errors.Is(err, fs.ErrNotExist) {
		err = &failure{
			code: exitFailure, hint: "agentsecrets proxy start",
			err: fmt.Errorf("there is no root certificate yet in %s: the proxy in the background makes one when it first starts", caDir(home)),
		}
	}
	return c, roots, err
}

func (a *app) sudoCaller() (*user.User, bool) {
	uid := a.variable("SUDO_UID")
	if os.Geteuid() != 0 || uid == "" || uid == "0" {
		return nil, false
	}
	u, err := user.LookupId(uid)
	return u, err == nil
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
	if a.output == "json" {
		return a.writeLine(map[string]string{"pem": string(pem)})
	}
	_, err = a.results().Write(pem)
	return err
}
