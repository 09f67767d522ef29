// Package mcpclients knows where programs that speak the Model Context Protocol keep
// the list of servers that they start, and puts ours into it.
//
//	c, ok := mcpclients.Named("cursor")
//	change, err := c.Add(mcpclients.Server{Command: "/usr/bin/agentsecrets", Args: []string{"mcp", "serve"}})
//	if err == nil && change.Changes() {
//		err = change.Write() // what was there is kept in change.Backup
//	}
//
// Guarantees: all else in a file stays byte for byte, comments and fields that we do not
// know too; what cannot be read is never written; a change is proved, by reading it
// again, before anything is written, and made whole or not at all; a symbolic link stays
// one, and a file keeps its mode.
package mcpclients

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Name is what our server is called in every list.
const Name = "agentsecrets"

// homeVariable is the only variable of a server that is ours.
const homeVariable = "AGENTSECRETS_HOME"

// Server is what a client starts.
type Server struct {
	Command string   `json:"command"`
	Args    []string `json:"args"`
	Home    string   `json:"home,omitempty"` // AGENTSECRETS_HOME; "" for its default
}

func (s Server) equal(other Server) bool {
	return s.Command == other.Command && s.Home == other.Home && slices.Equal(s.Args, other.Args)
}

// Client is a program that starts servers.
type Client struct {
	Name, Title string
	path        func() (string, error)
	format      format
}

// format is how a client writes its list.
type format interface {
	// set puts s into data; remove takes our server out of it.
	set(data []byte, s Server) ([]byte, error)
	remove(data []byte) ([]byte, error)
	// tree is all that data says.
	tree(data []byte) (map[string]any, error)
	// key is where servers stand in the tree.
	key() string
	snippet(s Server) (string, error)
}

// All are the clients that we know.
func All() []Client {
	return []Client{
		{"claude-desktop", "Claude Desktop", inConfig("Claude", "claude_desktop_config.json"), jsonFormat{servers: "mcpServers"}},
		{"codex", "Codex", codexPath, tomlFormat{}},
		{"cursor", "Cursor", inHome(".cursor", "mcp.json"), jsonFormat{servers: "mcpServers"}},
		{"vscode", "Visual Studio Code", inConfig("Code", "User", "mcp.json"), jsonFormat{servers: "servers", typed: true}},
	}
}

// Other is any client whose list is like that of most.
func Other() Client {
	return Client{Name: "other", format: jsonFormat{servers: "mcpServers"}}
}

// Named finds a client.
func Named(name string) (Client, bool) {
	i := slices.IndexFunc(All(), func(c Client) bool { return c.Name == name })
	if i < 0 {
		return Client{}, false
	}
	return All()[i], true
}

// inConfig is below where programs of this system keep their settings.
func inConfig(parts ...string) func() (string, error) {
	return func() (string, error) {
		dir, err := os.UserConfigDir()
		return filepath.Join(append([]string{dir}, parts...)...), err
	}
}

func inHome(parts ...string) func() (string, error) {
	return func() (string, error) {
		dir, err := os.UserHomeDir()
		return filepath.Join(append([]string{dir}, parts...)...), err
	}
}

func codexPath() (string, error) {
	if dir := os.Getenv("CODEX_HOME"); dir != "" {
		return filepath.Abs(filepath.Join(dir, "config.toml"))
	}
	return inHome(".codex", "config.toml")()
}

// Path is the file that the client reads, whether it is there or not.
func (c Client) Path() (string, error) {
	path, err := c.path()
	if err != nil {
		return "", fmt.Errorf("find the settings of %s: %w", c.Title, err)
	}
	return path, nil
}

// There reports whether the client seems to be installed: it has a directory of its own.
func (c Client) There() bool {
	path, err := c.Path()
	if err != nil {
		return false
	}
	info, err := os.Stat(filepath.Dir(path))
	return err == nil && info.IsDir()
}

// Snippet is what a list with only s looks like.
func (c Client) Snippet(s Server) (string, error) { return c.format.snippet(s) }

// Installed is our server as the client would start it.
func (c Client) Installed() (s Server, found bool, err error) {
	f, err := c.open()
	if err != nil {
		return s, false, err
	}
	tree, err := c.format.tree(f.data)
	if err != nil {
		return s, false, f.unreadable(err)
	}
	return serverIn(tree, c.format.key())
}

// Add puts s into the list, or makes ours there be s.
func (c Client) Add(s Server) (Change, error) {
	return c.change(func(data []byte) ([]byte, error) { return c.format.set(data, s) }, &s)
}

// Remove takes our server out of the list.
func (c Client) Remove() (Change, error) { return c.change(c.format.remove, nil) }

// serverIn finds our server in what a file says.
func serverIn(tree map[string]any, key string) (s Server, found bool, err error) {
	servers, ok := tree[key].(map[string]any)
	if !ok {
		if tree[key] != nil {
			return s, false, fmt.Errorf("%s is no list of servers", key)
		}
		return s, false, nil
	}
	entry, ok := servers[Name].(map[string]any)
	if !ok {
		if servers[Name] != nil {
			return s, false, fmt.Errorf("%s in %s is no server", Name, key)
		}
		return s, false, nil
	}
	s.Command, _ = entry["command"].(string)
	args, _ := entry["args"].([]any)
	for _, a := range args {
		text, _ := a.(string)
		s.Args = append(s.Args, text)
	}
	env, _ := entry["env"].(map[string]any)
	s.Home, _ = env[homeVariable].(string)
	return s, true, nil
}

// entryIn is all that a file says of our server.
func entryIn(tree map[string]any, key string) map[string]any {
	servers, _ := tree[key].(map[string]any)
	entry, _ := servers[Name].(map[string]any)
	return entry
}

// variables are those of our server in a file, with ours as s wants it.
func variables(tree map[string]any, key string, s Server) map[string]any {
	env, _ := entryIn(tree, key)["env"].(map[string]any)
	env = maps.Clone(env)
	delete(env, homeVariable)
	if s.Home != "" {
		if env == nil {
			env = map[string]any{}
		}
		env[homeVariable] = s.Home
	}
	return env
}

// extras are what somebody else said of our server.
func extras(tree map[string]any, key string) map[string]any {
	entry := maps.Clone(entryIn(tree, key))
	for _, own := range []string{"type", "command", "args"} {
		delete(entry, own)
	}
	if env := variables(tree, key, Server{}); len(env) > 0 {
		entry["env"] = env
	} else {
		delete(entry, "env")
	}
	return entry
}

// without is what a file says of all but our server.
func without(tree map[string]any, key string) map[string]any {
	tree = maps.Clone(tree)
	servers, _ := tree[key].(map[string]any)
	servers = maps.Clone(servers)
	delete(servers, Name)
	tree[key] = servers
	if len(servers) == 0 { // an empty list says what none does
		delete(tree, key)
	}
	return tree
}
