package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/mcpclients"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
)

// mcpInstall are the flags of mcp install and uninstall.
type mcpInstall struct {
	clients []string
	dryRun  bool
}

func (o *mcpInstall) define(a *app, cmd *cobra.Command, preset string) {
	f := cmd.Flags()
	f.StringArrayVar(&o.clients, "client", nil, strings.Join(clientNames(), ", ")+", or all (repeatable; "+preset+")")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be done")
	a.completeFlag(cmd, "client", func() ([]string, error) { return append(clientNames(), "all"), nil })
}

func clientNames() []string {
	var names []string
	for _, c := range mcpclients.All() {
		names = append(names, c.Name)
	}
	return names
}

const mcpFilesHelp = `What else a file holds stays as it is, comments too, and what was there is kept beside
it, with .agentsecrets.bak behind its name. All files are written or none: none where
one cannot be read, or cannot be written. Clients read these files when they start.`

func (a *app) mcpInstallCommand() *cobra.Command {
	var o mcpInstall
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Have MCP clients start a server for this project",
		Long: `Put a server for this project and environment into the settings of MCP clients: Claude
Desktop, Codex, Cursor and Visual Studio Code. They start it with this program, where it
stands now. For any other client, mcp config shows what to write.

` + mcpFilesHelp,
		Args: takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return a.installMCP(o) },
	}
	o.define(a, cmd, "default: those that are here")
	return cmd
}

func (a *app) mcpUninstallCommand() *cobra.Command {
	var o mcpInstall
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take our server out of the settings of MCP clients",
		Long:  "Take our server out of the settings of MCP clients.\n\n" + mcpFilesHelp,
		Args:  takes(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.uninstallMCP(o) },
	}
	o.define(a, cmd, "default: all")
	return cmd
}

type mcpClientJSON struct {
	Client string `json:"client"`
	File   string `json:"file"`
	State  string `json:"state"`
	Backup string `json:"backup,omitempty"`
	title  string
}

type mcpInstallJSON struct {
	Clients []mcpClientJSON    `json:"clients"`
	Server  *mcpclients.Server `json:"server,omitempty"`
	DryRun  bool               `json:"dry_run"`
}

const changingServers = "changing which servers other programs start"

func (a *app) installMCP(o mcpInstall) error {
	if err := outsideRun(changingServers); err != nil {
		return err
	}
	clients, err := o.chosen(mcpclients.Client.There)
	if err != nil {
		return err
	}
	if len(clients) == 0 {
		return &failure{code: exitFailure, err: errors.New("no MCP client that we know is here"), hint: "agentsecrets mcp config"}
	}
	server, at, err := a.mcpServed()
	if err != nil {
		return err
	}
	a.say("The server is for %s.", at)
	return a.changeClients(clients, o, &server)
}

func (a *app) uninstallMCP(o mcpInstall) error {
	if err := outsideRun(changingServers); err != nil {
		return err
	}
	clients, err := o.chosen(func(mcpclients.Client) bool { return true })
	if err != nil {
		return err
	}
	return a.changeClients(clients, o, nil)
}

// chosen are the clients that flags name, else those that preset finds.
func (o mcpInstall) chosen(preset func(mcpclients.Client) bool) ([]mcpclients.Client, error) {
	if len(o.clients) == 0 {
		return slices.DeleteFunc(mcpclients.All(), func(c mcpclients.Client) bool { return !preset(c) }), nil
	}
	if slices.Contains(o.clients, "all") {
		return mcpclients.All(), nil
	}
	var clients []mcpclients.Client
	for _, name := range o.clients {
		c, ok := mcpclients.Named(name)
		if !ok {
			f := usage("there is no MCP client %q that we know: they are %s", name, strings.Join(clientNames(), ", "))
			f.hint = "agentsecrets mcp config"
			return nil, f
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// mcpServed is the server of this project and environment: clients start it in
// directories of their own.
func (a *app) mcpServed() (mcpclients.Server, where, error) {
	at, err := a.where()
	if err == nil {
		err = at.known()
	}
	if err != nil {
		return mcpclients.Server{}, at, err
	}
	command, err := ownPath()
	if err != nil {
		return mcpclients.Server{}, at, err
	}
	s := mcpclients.Server{Command: command, Args: []string{"mcp", "serve", "--project", at.ProjectID, "--environment", at.Environment}}
	if a.variable("AGENTSECRETS_HOME") != "" {
		s.Home = at.home
	}
	return s, at, nil
}

// ownPath is this program as it is found by its name, if that leads here, as a link of a
// package manager does that outlives the version; else where it stands.
func ownPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	found, err := exec.LookPath("agentsecrets")
	if err != nil {
		return self, nil
	}
	if found, err = filepath.Abs(found); err != nil {
		return self, nil
	}
	if a, b := stat(found), stat(self); a != nil && b != nil && os.SameFile(a, b) {
		return found, nil
	}
	return self, nil
}

func stat(path string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

// changeClients puts want into lists, or takes our server out of them. All are read
// before any is written, and either all are or none.
func (a *app) changeClients(clients []mcpclients.Client, o mcpInstall, want *mcpclients.Server) error {
	unlock, err := a.lockClients()
	if err != nil {
		return err
	}
	defer unlock()
	result := mcpInstallJSON{Clients: []mcpClientJSON{}, Server: want, DryRun: o.dryRun}
	var changes []mcpclients.Change
	for _, c := range clients {
		change, err := changeOf(c, want)
		if err != nil {
			return noOther(c, err)
		}
		changes = append(changes, change)
		result.Clients = append(result.Clients, mcpClientJSON{c.Name, change.Path, stateOf(change, want != nil), "", c.Title})
	}
	for i, change := range changes {
		if !change.Changes() {
			continue
		}
		result.Clients[i].Backup = change.Backup
	}
	if !o.dryRun {
		if err := writeClients(clients, changes); err != nil {
			return err
		}
	}
	return a.print(result, result.write)
}

// writeClients writes all of changes, or else none.
func writeClients(clients []mcpclients.Client, changes []mcpclients.Change) error {
	for i, change := range changes {
		err := change.Write()
		if err == nil {
			continue
		}
		err = noOther(clients[i], err)
		for k, written := range changes[:i] {
			if undone := written.Undo(); undone != nil {
				err = fmt.Errorf("%w, but %s was, and cannot be put back: %w", err, clients[k].Title, undone)
			}
		}
		return err
	}
	return nil
}

// noOther is what kept the file of c, and by that those of the others, from being changed.
func noOther(c mcpclients.Client, err error) error {
	return fmt.Errorf("%s: %w; no other file was changed", c.Title, err)
}

func changeOf(c mcpclients.Client, want *mcpclients.Server) (mcpclients.Change, error) {
	if want == nil {
		return c.Remove()
	}
	return c.Add(*want)
}

// lockClients keeps two of us from changing one file at a time, where there is a home.
func (a *app) lockClients() (func(), error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	if stat(home) == nil {
		return func() {}, nil
	}
	return atomicfile.Lock(filepath.Join(home, "mcp.lock"))
}

func stateOf(c mcpclients.Change, wanted bool) string {
	switch {
	case !c.Changes() && wanted:
		return "unchanged"
	case !c.Changes():
		return "absent"
	case !wanted:
		return "removed"
	case c.Found:
		return "changed"
	}
	return "added"
}

func (r mcpInstallJSON) write(out io.Writer) {
	would := allowedOr(r.DryRun, "would be ", "")
	for _, c := range r.Clients {
		switch c.State {
		case "unchanged":
			fmt.Fprintf(out, "%s: nothing changed, %s has it\n", c.title, c.File)
		case "absent":
			fmt.Fprintf(out, "%s: nothing to take out of %s\n", c.title, c.File)
		default:
			fmt.Fprintf(out, "%s: %s%s in %s\n", c.title, would, c.State, c.File)
		}
		if c.Backup != "" {
			fmt.Fprintf(out, "  what was there: %s\n", c.Backup)
		}
	}
	if r.DryRun && r.Server != nil {
		fmt.Fprintf(out, "The server: %s %s\n", r.Server.Command, strings.Join(r.Server.Args, " "))
	}
}

// inRunOr is the server for a client that runs inside our run, whose project stays, else
// that of this project.
func (a *app) inRunOr() (mcpclients.Server, error) {
	inside, err := runtree.Inside()
	if err != nil {
		return mcpclients.Server{}, err
	}
	if !inside {
		s, _, err := a.mcpServed()
		return s, err
	}
	command, err := ownPath()
	return mcpclients.Server{Command: command, Args: []string{"mcp", "serve"}}, err
}
