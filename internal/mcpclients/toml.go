package mcpclients

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlFormat is the list of Codex: a table for each server. No library writes TOML back
// with its comments, so that one reads the file and tells where things stand, and only
// the lines of our own table are taken out and put in.
type tomlFormat struct{}

const tomlServers = "mcp_servers"

func (tomlFormat) key() string { return tomlServers }

func (tomlFormat) tree(data []byte) (map[string]any, error) {
	tree := map[string]any{}
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "toml: "))
	}
	return tree, nil
}

// expression is one of a file: a table's head, or a key with its value.
type expression struct {
	table      bool
	key        []string // of a table, from the root; of a value, from its table
	begin, end int      // whole lines; end is where the next expression, or a comment before it, begins
}

// ours reports whether a table is our server's, or one in it.
func (e expression) ours() bool {
	return e.table && len(e.key) >= 2 && e.key[0] == tomlServers && e.key[1] == Name
}

// expressions are those of data, which can be read.
func expressions(data []byte) ([]expression, error) {
	var p unstable.Parser
	p.KeepComments = true
	p.Reset(data)
	var all []expression
	for p.NextExpression() {
		node := p.Expression()
		if node.Kind == unstable.Comment && !alone(data, int(node.Raw.Offset)) {
			continue // it belongs to what stands before it
		}
		e := expression{table: node.Kind == unstable.Table || node.Kind == unstable.ArrayTable}
		first := node.Raw.Offset
		if node.Kind != unstable.Comment {
			keys := node.Key()
			first = ^uint32(0)
			for keys.Next() {
				e.key = append(e.key, string(keys.Node().Data))
				first = min(first, keys.Node().Raw.Offset)
			}
		}
		e.begin = lineOf(data, int(first))
		if n := len(all); n > 0 {
			all[n-1].end = max(e.begin, all[n-1].begin)
		}
		all = append(all, e)
	}
	if n := len(all); n > 0 {
		all[n-1].end = len(data)
	}
	return all, p.Error()
}

// lineOf is where the line of an offset begins.
func lineOf(data []byte, offset int) int {
	return bytes.LastIndexByte(data[:offset], '\n') + 1
}

// alone reports whether nothing else stands before an offset on its line.
func alone(data []byte, offset int) bool {
	return len(bytes.TrimSpace(data[lineOf(data, offset):offset])) == 0
}

// comment reports whether e is one.
func (e expression) comment() bool { return !e.table && e.key == nil }

func (f tomlFormat) set(data []byte, s Server) ([]byte, error) {
	tree, err := f.tree(data)
	if err != nil {
		return nil, err
	}
	if n := len(data); n > 0 && data[n-1] != '\n' {
		data = append(data, '\n')
	}
	all, err := expressions(data)
	if err != nil {
		return nil, err
	}
	newline := "\n"
	if bytes.Contains(data, []byte("\r\n")) {
		newline = "\r\n"
	}
	env := variables(tree, tomlServers, s)
	head := slices.IndexFunc(all, func(e expression) bool { return e.ours() && len(e.key) == 2 })
	if head < 0 {
		return appendTable(data, s, env, newline)
	}
	if slices.ContainsFunc(all, func(e expression) bool { return e.ours() && len(e.key) > 2 && e.key[2] == "env" }) {
		env = nil // in a table of their own, which stays; where they would have to change, the proof fails
	}
	out := data
	for i := len(all) - 1; i > head; i-- { // from the end, so that what is before stays where it is
		if e := all[i]; tableOf(all, i) == head && len(e.key) > 0 && slices.Contains([]string{"command", "args", "env"}, e.key[0]) {
			out = slices.Delete(bytes.Clone(out), e.begin, e.end)
		}
	}
	lines, err := tomlLines(s, env, newline)
	if err != nil {
		return nil, err
	}
	return slices.Insert(out, endOfLine(out, all[head].begin), lines...), nil
}

// tableOf is which expression is the head of the table that i stands in; -1: none.
func tableOf(all []expression, i int) int {
	for ; i >= 0; i-- {
		if all[i].table {
			return i
		}
	}
	return -1
}

// endOfLine is where the line after that of an offset begins.
func endOfLine(data []byte, offset int) int {
	i := bytes.IndexByte(data[offset:], '\n')
	if i < 0 {
		return len(data)
	}
	return offset + i + 1
}

func appendTable(data []byte, s Server, env map[string]any, newline string) ([]byte, error) {
	lines, err := tomlLines(s, env, newline)
	if err != nil {
		return nil, err
	}
	if len(data) > 0 {
		data = append(data, newline...)
	}
	data = fmt.Appendf(data, "[%s.%s]%s", tomlServers, Name, newline)
	return append(data, lines...), nil
}

// tomlLines are the values of our table.
func tomlLines(s Server, env map[string]any, newline string) ([]byte, error) {
	text, err := toml.Marshal(struct {
		Command string         `toml:"command"`
		Args    []string       `toml:"args"`
		Env     map[string]any `toml:"env,inline,omitempty"`
	}{s.Command, s.Args, env})
	return bytes.ReplaceAll(text, []byte("\n"), []byte(newline)), err
}

// remove takes out our table and those in it, and leaves comments that stand before the
// next one.
func (f tomlFormat) remove(data []byte) ([]byte, error) {
	all, err := expressions(data)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(data)
	for i := len(all) - 1; i >= 0; i-- {
		if !all[i].ours() {
			continue
		}
		end := all[i].end
		for j := i + 1; j < len(all) && tableOf(all, j) == i; j++ {
			if !all[j].comment() {
				end = all[j].end
			}
		}
		out = slices.Delete(out, all[i].begin, end)
	}
	return trimBlank(out, len(data)), nil
}

// trimBlank takes the empty line away that stood before a table at the end.
func trimBlank(out []byte, before int) []byte {
	if trimmed := bytes.TrimRight(out, "\r\n"); len(out) < before && len(trimmed) < len(out) {
		return out[:endOfLine(out, max(len(trimmed)-1, 0))]
	}
	return out
}

func (f tomlFormat) snippet(s Server) (string, error) {
	text, err := appendTable(nil, s, variables(nil, tomlServers, s), "\n")
	return string(text), err
}
