package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what is set up here, and whether the proxy runs",
		Args:  takes(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context()) },
	}
}

type statusJSON struct {
	WorkspaceID   string `json:"workspace_id"`
	WorkspaceName string `json:"workspace_name"`
	ProjectID     string `json:"project_id"`
	ProjectName   string `json:"project_name"`
	Environment   string `json:"environment"`
	Secrets       int    `json:"secrets"`
	StorageMode   string `json:"storage_mode"`
	LastPull      string `json:"last_pull"`
	ProxyRunning  bool   `json:"proxy_running"`
	ProxyPort     int    `json:"proxy_port"`
	heir          string // who has the port of a proxy that was killed
	heirPort      int
	Home          string `json:"home"`
	Version       string `json:"version"`

	PolicySeal string `json:"policy_seal,omitempty"` // holds, missing or broken
	sealError  error

	Passphrase bool       `json:"passphrase"`
	Locked     bool       `json:"locked"`
	Until      *time.Time `json:"unlocked_until,omitempty"`
	lock       agefile.Lock

	UnfinishedMove string `json:"unfinished_move,omitempty"` // the other store that holds values
}

func (a *app) status(ctx context.Context) error {
	st, err := a.setUp()
	if err != nil {
		return err
	}
	if d, err := askDaemon(ctx, st.Home); err == nil {
		st.ProxyRunning, st.ProxyPort = true, d.Port
	} else {
		st.heirPort, st.heir = heir(st.Home)
	}
	return a.print(st, st.write)
}

// setUp is what is set up here, the proxy aside.
func (a *app) setUp() (st statusJSON, err error) {
	home, err := a.home()
	if err != nil {
		return st, err
	}
	st = statusJSON{Home: home, Version: version()}
	r, err := loadStoreRecord(storeRecordPath(home))
	if err != nil {
		return st, err
	}
	used, err := r.used(home)
	if err != nil {
		return st, err
	}
	st.UnfinishedMove = r.other()
	if used {
		st.StorageMode = r.Store
	}
	if err := st.fillLock(home); err != nil {
		return st, err
	}
	w, err := a.where()
	switch {
	case err == nil:
		if err := st.fill(w); err != nil {
			return st, err
		}
		if err := st.fillSeal(w); err != nil {
			return st, err
		}
	case !errors.Is(err, env.ErrNoProject):
		return st, err
	}
	return st, nil
}

func (st *statusJSON) fillLock(home string) (err error) {
	if st.lock, err = fileLock(home); err != nil || !st.lock.Passphrase {
		return err
	}
	st.Passphrase, st.Locked = true, !st.lock.Open
	if st.lock.Open {
		until := st.lock.Until.UTC()
		st.Until = &until
	}
	return nil
}

// fillSeal tells a broken seal and does not fail for it: who looks what is wrong comes here first.
func (st *statusJSON) fillSeal(w where) error {
	path, err := policyPath(w.home, w.WorkspaceID)
	if err != nil {
		return err
	}
	policy, err := allowlist.LoadPolicy(path)
	var broken *allowlist.SealError
	switch {
	case errors.As(err, &broken):
		st.PolicySeal, st.sealError = "broken", broken
	case err != nil:
		st.sealError = err
	case policy.Sealed():
		st.PolicySeal = "holds"
	default:
		if _, err := os.Lstat(path); err == nil {
			st.PolicySeal = "missing"
		}
	}
	return nil
}

func (st *statusJSON) writeSeal(out io.Writer) {
	var h hinter
	switch {
	case errors.As(st.sealError, &h):
		fmt.Fprintf(out, "Policy:      not in force: %v (%s)\n", st.sealError, h.Hint())
	case st.sealError != nil:
		fmt.Fprintf(out, "Policy:      not in force: %v\n", st.sealError)
	case st.PolicySeal == "missing":
		fmt.Fprintln(out, "Policy:      not sealed, an earlier version wrote it; the next change seals it")
	}
}

func (st *statusJSON) fill(w where) error {
	names, err := w.names()
	if err != nil {
		return err
	}
	st.WorkspaceID, st.WorkspaceName = w.WorkspaceID, w.WorkspaceName
	st.ProjectID, st.ProjectName, st.Environment = w.ProjectID, w.ProjectName, w.Environment
	st.Secrets = len(names)
	if w.File == "" {
		return nil
	}
	f, err := env.ReadFile(w.File)
	if err != nil {
		return err
	}
	st.LastPull = f.LastPull
	return nil
}

func (st *statusJSON) write(out io.Writer) {
	if st.ProjectID == "" {
		fmt.Fprintln(out, "Project:     none here (agentsecrets init)")
	} else {
		fmt.Fprintf(out, "Workspace:   %s\nProject:     %s\nEnvironment: %s\nSecrets:     %d\n",
			st.WorkspaceName, st.ProjectName, st.Environment, st.Secrets)
	}
	fmt.Fprintf(out, "Store:       %s\n", inWhich(st.StorageMode, st.Home, st.lock))
	if st.UnfinishedMove != "" {
		fmt.Fprintf(out, "             a move was interrupted, the %s may hold values too; agentsecrets secrets move --to %s ends that\n",
			inWords(st.UnfinishedMove), st.StorageMode)
	}
	st.writeSeal(out)
	switch {
	case st.ProxyRunning:
		fmt.Fprintf(out, "Proxy:       running on 127.0.0.1:%d\n", st.ProxyPort)
	case st.heir != "":
		fmt.Fprintf(out, "Proxy:       not running: it was killed, and its port %d is in use by %s (%s)\n", st.heirPort, st.heir, leaveProxy)
	default:
		fmt.Fprintln(out, "Proxy:       not running")
	}
}

// askDaemon gives the daemon a second to answer: it is on this machine.
func askDaemon(ctx context.Context, home string) (daemon.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return daemon.Ask(ctx, home)
}

// openDaemon asks it for a credential.
func openDaemon(ctx context.Context, home string, w daemon.Wanted) (daemon.Access, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return daemon.Open(ctx, home, w)
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}
			return a.print(v, func(out io.Writer) {
				fmt.Fprintf(out, "agentsecrets %s (%s, %s/%s)\n", v["version"], v["go"], v["os"], v["arch"])
			})
		},
	}
}

// release is what git calls this build; the linker sets it (Makefile).
var release string

// version is what the Go tool wrote into the binary.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
