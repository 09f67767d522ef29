package mcpclients

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var (
	server = Server{Command: "/opt/bin/agentsecrets", Args: []string{"mcp", "serve", "--project", `x",`}}
	homed  = Server{Command: "/opt/bin/agentsecrets", Args: []string{"mcp", "serve"}, Home: "/srv/home"}
)

// at gives every client a home of its own.
func at(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, ".config"))
	t.Setenv("AppData", filepath.Join(dir, "AppData"))
	t.Setenv("USERPROFILE", dir)
	t.Setenv("CODEX_HOME", "")
}

func named(t *testing.T, name string) (c Client, path string) {
	t.Helper()
	c, ok := Named(name)
	if !ok {
		t.Fatal(name)
	}
	path, err := c.Path()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	return c, path
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// laidOut are files as people and programs write them, and what they become.
var laidOut = []struct{ name, client, before, after, removed string }{
	{"nothing", "vscode", "", `{
  "servers": {
    "agentsecrets": {
      "type": "stdio",
      "command": "/opt/bin/agentsecrets",
      "args": ["mcp", "serve", "--project", "x\","]
    }
  }
}
`, "{\n  \"servers\": {\n  }\n}\n"},
	{"comments", "vscode", `// mine
{
	// first
	"inputs": [], // none
	"servers": {
		"other": {"command": "x"}, // the other, one
		/* and */
	},
	"more": 1.50
}
`, `// mine
{
	// first
	"inputs": [], // none
	"servers": {
		"other": {"command": "x"}, // the other, one
		/* and */
		"agentsecrets": {
			"type": "stdio",
			"command": "/opt/bin/agentsecrets",
			"args": ["mcp", "serve", "--project", "x\","]
		},
	},
	"more": 1.50
}
`, `// mine
{
	// first
	"inputs": [], // none
	"servers": {
		"other": {"command": "x"}, // the other, one
		/* and */
	},
	"more": 1.50
}
`},
	{"fields that we do not know", "cursor", `{"mcpServers": {"agentsecrets": {"command": "old", "args": ["mcp",  "serve", "--project", "x\","], "disabled": true, "env": {"A": "b", "AGENTSECRETS_HOME": "/x"}}}}`,
		`{"mcpServers": {"agentsecrets": {"command": "/opt/bin/agentsecrets", "args": ["mcp",  "serve", "--project", "x\","], "disabled": true, "env": {"A": "b"}}}}`, `{"mcpServers": {}}`},
	{"on one line", "claude-desktop", `{"a": 1}`, `{"a": 1, "mcpServers": {
    "agentsecrets": {
      "command": "/opt/bin/agentsecrets",
      "args": ["mcp", "serve", "--project", "x\","]
    }
  }}`, `{"a": 1, "mcpServers": {
  }}`},
	{"a comment before a comma", "cursor", `{"mcpServers": {"b": {} /* kept */}}`, `{"mcpServers": {"b": {}, /* kept */
    "agentsecrets": {
      "command": "/opt/bin/agentsecrets",
      "args": ["mcp", "serve", "--project", "x\","]
    }
  }}`, "{\"mcpServers\": {\"b\": {} /* kept */\n  }}"},
	{"other line ends", "cursor", "{\r\n    \"mcpServers\": {\r\n        \"b\": {}\r\n    }\r\n}\r\n",
		"{\r\n    \"mcpServers\": {\r\n        \"b\": {},\r\n        \"agentsecrets\": {\r\n            \"command\": \"/opt/bin/agentsecrets\",\r\n            \"args\": [\"mcp\", \"serve\", \"--project\", \"x\\\",\"]\r\n        }\r\n    }\r\n}\r\n",
		"{\r\n    \"mcpServers\": {\r\n        \"b\": {}\r\n    }\r\n}\r\n"},
	{"no table", "codex", "# mine\nmodel = \"o4\" # fast\n\n[mcp_servers.other]\ncommand = 'x'\n# end",
		"# mine\nmodel = \"o4\" # fast\n\n[mcp_servers.other]\ncommand = 'x'\n# end\n\n[mcp_servers.agentsecrets]\ncommand = '/opt/bin/agentsecrets'\nargs = ['mcp', 'serve', '--project', 'x\",']\n",
		"# mine\nmodel = \"o4\" # fast\n\n[mcp_servers.other]\ncommand = 'x'\n# end\n"},
	{"a table of ours", "codex", "[mcp_servers.agentsecrets] # us\ncommand = \"old\" # note\n# slow\nstartup_timeout_sec = 20\nargs = [\n  \"mcp\", # one\n  \"serve\",\n] # two\nenv = { A = \"b\" }\n\n# theirs\n[mcp_servers.other]\ncommand = 'x'\n",
		"[mcp_servers.agentsecrets] # us\ncommand = '/opt/bin/agentsecrets'\nargs = ['mcp', 'serve', '--project', 'x\",']\nenv = {A = 'b'}\n# slow\nstartup_timeout_sec = 20\n# theirs\n[mcp_servers.other]\ncommand = 'x'\n",
		"# theirs\n[mcp_servers.other]\ncommand = 'x'\n"},
	{"a table in ours", "codex", "[mcp_servers.agentsecrets]\ncommand = \"old\"\n[mcp_servers.agentsecrets.env]\nA = 'b'\n",
		"[mcp_servers.agentsecrets]\ncommand = '/opt/bin/agentsecrets'\nargs = ['mcp', 'serve', '--project', 'x\",']\n[mcp_servers.agentsecrets.env]\nA = 'b'\n", ""},
}

func TestLayouts(t *testing.T) {
	for _, c := range laidOut {
		t.Run(c.name, func(t *testing.T) {
			at(t)
			client, path := named(t, c.client)
			if c.before != "" {
				write(t, path, c.before, 0o640)
			}
			change, err := client.Add(server)
			if err != nil {
				t.Fatal(err)
			}
			if err := change.Write(); err != nil {
				t.Fatal(err)
			}
			if got := read(t, path); got != c.after {
				t.Errorf("it became\n%s\nnot\n%s", got, c.after)
			}
			if got, found, err := client.Installed(); err != nil || !found || !got.equal(server) {
				t.Errorf("%+v %v %v", got, found, err)
			}
			kept(t, path, c.before)
			again, err := client.Add(server)
			if err != nil || again.Changes() || !again.Found {
				t.Errorf("a second time: %+v %v", again, err)
			}
			gone, err := client.Remove()
			if err != nil || gone.Write() != nil || read(t, path) != c.removed {
				t.Errorf("it was taken out: %v\n%s\nnot\n%s", err, read(t, path), c.removed)
			}
		})
	}
}

// kept: what was there is beside the file, and the file's mode is as it was.
func kept(t *testing.T, path, before string) {
	t.Helper()
	if before == "" {
		if _, err := os.Lstat(path + ".agentsecrets.bak"); !errors.Is(err, fs.ErrNotExist) {
			t.Error("a copy of nothing")
		}
		return
	}
	if got := read(t, path+".agentsecrets.bak"); got != before {
		t.Errorf("the copy holds %s", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestHome(t *testing.T) {
	for _, name := range []string{"codex", "cursor", "vscode", "claude-desktop"} {
		at(t)
		client, path := named(t, name)
		for _, want := range []Server{server, homed, server} {
			change, err := client.Add(want)
			if err != nil || change.Write() != nil {
				t.Fatal(err)
			}
			if got, found, err := client.Installed(); err != nil || !found || !got.equal(want) {
				t.Errorf("%s: %+v %v %v\n%s", name, got, found, err, read(t, path))
			}
		}
	}
}

// What cannot be read, or changed with certainty, stays as it is.
func TestLeavesAlone(t *testing.T) {
	for _, c := range []struct{ name, client, text string }{
		{"no JSON", "vscode", `{"servers": {`},
		{"no object", "cursor", `[]`},
		{"no list", "cursor", `{"mcpServers": []}`},
		{"null", "cursor", `{"mcpServers": {"agentsecrets": 1}}`},
		{"twice", "cursor", `{"mcpServers": {}, "mcpServers": {"a": {}}}`},
		{"args are no list", "cursor", `{"mcpServers": {"agentsecrets": {"command": "x", "env": 7}}}`},
		{"no TOML", "codex", "model = \n"},
		{"an inline list", "codex", "mcp_servers = { other = { command = 'x' } }\n"},
		{"an inline server", "codex", "[mcp_servers]\nagentsecrets = { command = 'x' }\n"},
		{"an array", "codex", "[[mcp_servers]]\ncommand = 'x'\n"},
		{"variables in a table", "codex", "[mcp_servers.agentsecrets]\ncommand = 'x'\n[mcp_servers.agentsecrets.env]\nA = 'b'\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at(t)
			client, path := named(t, c.client)
			write(t, path, c.text, 0o600)
			change, err := client.Add(homed)
			var wrong *FileError
			if !errors.As(err, &wrong) || wrong.Path != path || !strings.Contains(wrong.Hint(), "--client "+c.client) {
				t.Errorf("%v, %s", err, change.after)
			}
			if got := read(t, path); got != c.text {
				t.Errorf("it became %s", got)
			}
		})
	}
}

func TestLinksStay(t *testing.T) {
	at(t)
	client, path := named(t, "cursor")
	for _, text := range []string{"", "{\"a\": 1}\n"} {
		real := filepath.Join(t.TempDir(), "dotfiles", "mcp.json")
		if text != "" {
			if err := os.Mkdir(filepath.Dir(real), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, real, text, 0o600)
		}
		os.Remove(path)
		if err := os.Symlink(real, path); err != nil {
			t.Fatal(err)
		}
		change, err := client.Add(server)
		if err != nil || change.Write() != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(path); err != nil || to != real || !strings.Contains(read(t, real), "agentsecrets") {
			t.Errorf("%q %v", to, err)
		}
	}
}

// Somebody who writes at the same time is not overwritten.
func TestChangedMeanwhile(t *testing.T) {
	at(t)
	client, path := named(t, "cursor")
	write(t, path, "{}\n", 0o600)
	change, err := client.Add(server)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "{\"b\": 2}\n", 0o600)
	if err := change.Write(); err == nil || read(t, path) != "{\"b\": 2}\n" {
		t.Error(err, read(t, path))
	}
}

// What cannot be written says which file that is, why, and what to do by hand.
func TestUnwritten(t *testing.T) {
	at(t)
	client, path := named(t, "cursor")
	temp := filepath.Join(filepath.Dir(path), ".mcp.json.tmp-123")
	for reason, err := range map[string]error{
		"no permission to make a file in " + filepath.Dir(path): &fs.PathError{Op: "open", Path: temp, Err: syscall.EACCES},
		syscall.ENOSPC.Error(): &fs.PathError{Op: "write", Path: temp, Err: syscall.ENOSPC},
		syscall.EBUSY.Error():  &os.LinkError{Op: "rename", Old: temp, New: path, Err: syscall.EBUSY},
	} {
		err := file{client: client, path: path}.unwritten(fmt.Errorf("write: %w", err))
		if err.Error() != path+" cannot be written: "+reason+"; it stays as it is" {
			t.Error(err)
		}
	}
	write(t, path, "{}\n", 0o600)
	change, err := client.Add(server)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(change.Backup, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	var wrong *FileError
	if err := change.Write(); !errors.As(err, &wrong) || wrong.Hint() != "agentsecrets mcp config --client cursor" || read(t, path) != "{}\n" {
		t.Error(err)
	}
}
