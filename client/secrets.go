package client

import (
	"context"
	"strings"
	"time"
)

// Secrets are the names that are kept for the project and environment.
type Secrets struct{ c *Client }

// Secrets is what `agentsecrets secrets` does. There is no Get.
func (c *Client) Secrets() Secrets { return Secrets{c} }

// Secret is a name and what it is bound to, never its value. An empty list: it is not
// bound in this way.
type Secret struct {
	Name      string    `json:"name"`
	Hosts     []string  `json:"hosts"`
	Places    []string  `json:"places"`
	Methods   []string  `json:"methods"`
	Paths     []string  `json:"paths"`
	NoEnv     bool      `json:"no_env"`
	UpdatedAt time.Time `json:"updated_at"`
}

// List is what is kept.
func (s Secrets) List(ctx context.Context) ([]Secret, error) {
	r, err := answer[struct{ Secrets []Secret }](ctx, s.c, nil, "secrets", "list")
	return r.Secrets, err
}

// SetResult says what of the values is of concern.
type SetResult struct {
	Set   []string `json:"set"`
	Short []string `json:"short"` // under 8 bytes: not looked for in responses
	Weak  []string `json:"weak"`  // can be guessed
}

// Set keeps a value, which goes to the command's standard input, and is not in its
// arguments, its result or an error.
func (s Secrets) Set(ctx context.Context, name, value string) (SetResult, error) {
	return answer[SetResult](ctx, s.c, strings.NewReader(value), given("secrets set", []string{"--stdin"}, name)...)
}

// Delete takes secrets away, from the store and its bindings.
func (s Secrets) Delete(ctx context.Context, names ...string) error {
	return s.c.do(ctx, given("secrets delete", nil, names...)...)
}

// Binding says where a secret may go: only to hosts, places, methods and paths that are
// listed, or to any where a list is empty.
type Binding struct {
	Hosts, Places, Methods, Paths []string
	NoEnv                         bool // no program gets it as a variable
}

// Bind narrows where a secret may go. To widen it takes the workspace password, and so a
// terminal.
func (s Secrets) Bind(ctx context.Context, name string, b Binding) error {
	var flags []string
	for _, f := range []struct {
		flag  string
		texts []string
	}{{"--host", b.Hosts}, {"--in", b.Places}, {"--method", b.Methods}, {"--path", b.Paths}} {
		for _, t := range f.texts {
			flags = append(flags, f.flag+"="+t)
		}
	}
	if b.NoEnv {
		flags = append(flags, "--no-env")
	}
	return s.c.do(ctx, given("secrets bind", flags, name)...)
}

// ImportResult is what of a file was kept.
type ImportResult struct {
	Format      string   `json:"format"`
	Imported    []string `json:"imported"`
	Overwritten []string `json:"overwritten"`
	Empty       []string `json:"empty"`
	Skipped     []string `json:"skipped"`
	Short       []string `json:"short"`
	Weak        []string `json:"weak"`
}

// Import keeps what a .env file, or an export of another tool, holds. overwrite replaces
// what is kept already.
func (s Secrets) Import(ctx context.Context, file string, overwrite bool) (ImportResult, error) {
	var flags []string
	if overwrite {
		flags = append(flags, "--overwrite")
	}
	return answer[ImportResult](ctx, s.c, nil, given("secrets import", flags, file)...)
}

// Diff is what differs between this machine and the server, by name.
type Diff struct {
	Compared   bool     `json:"compared"` // false: there is no server
	HasDrift   bool     `json:"has_drift"`
	LocalOnly  []string `json:"local_only"`
	RemoteOnly []string `json:"remote_only"`
	OutOfSync  []string `json:"out_of_sync"`
}

// Diff compares this machine with the server.
func (s Secrets) Diff(ctx context.Context) (Diff, error) {
	return answer[Diff](ctx, s.c, nil, "secrets", "diff")
}

// Pull takes what the server has and this machine has not; force: also in place of what
// this machine has. It needs a server.
func (s Secrets) Pull(ctx context.Context, force bool) error {
	return s.c.do(ctx, forced(force, "secrets", "pull")...)
}

// Push gives the server what this machine has, sealed; force: also in place of what the
// server has. It needs a server.
func (s Secrets) Push(ctx context.Context, force bool) error {
	return s.c.do(ctx, forced(force, "secrets", "push")...)
}

func forced(force bool, args ...string) []string {
	if force {
		args = append(args, "--force")
	}
	return args
}

// Sync is Pull without force.
func (s Secrets) Sync(ctx context.Context) error { return s.Pull(ctx, false) }

// Rotate has the server replace values by new ones. It needs a server.
func (s Secrets) Rotate(ctx context.Context, names ...string) error {
	return s.c.do(ctx, given("secrets rotate", nil, names...)...)
}
