package mcpclients

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// jsonFormat is JSON, with the comments and trailing commas that editors allow.
type jsonFormat struct {
	servers string // the member that holds the list
	typed   bool   // a server says what kind it is
}

func (f jsonFormat) key() string { return f.servers }

// parse reads data; one with nothing in it is an empty list.
func (f jsonFormat) parse(data []byte) (hujson.Value, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return hujson.Parse([]byte("{}\n"))
	}
	v, err := hujson.Parse(data)
	if err != nil {
		return v, errors.New(strings.TrimPrefix(err.Error(), "hujson: "))
	}
	if _, ok := v.Value.(*hujson.Object); !ok {
		return v, errors.New("it holds no JSON object")
	}
	for m := range v.All() {
		if o, ok := m.Value.(*hujson.Object); ok && twice(o) {
			return v, errors.New("a member stands there twice")
		}
	}
	return v, nil
}

// twice reports whether two members have one name: programs do not agree which of them counts.
func twice(o *hujson.Object) bool {
	seen := map[string]bool{}
	for _, m := range o.Members {
		name := m.Name.Value.(hujson.Literal).String()
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

func (f jsonFormat) tree(data []byte) (map[string]any, error) {
	v, err := f.parse(data)
	if err != nil {
		return nil, err
	}
	v = v.Clone()
	v.Standardize()
	var tree map[string]any
	return tree, json.Unmarshal(v.Pack(), &tree)
}

func (f jsonFormat) set(data []byte, s Server) ([]byte, error) {
	v, err := f.parse(data)
	if err != nil {
		return nil, err
	}
	l := layoutOf(data, v.Value.(*hujson.Object))
	servers, err := l.object(v.Value.(*hujson.Object), f.servers, 1)
	if err != nil {
		return nil, err
	}
	entry, err := l.object(servers, Name, 2)
	if err != nil {
		return nil, err
	}
	for _, m := range f.members(s) {
		if err := l.set(entry, m.name, m.value, 3); err != nil {
			return nil, err
		}
	}
	if err := l.setHome(entry, s.Home); err != nil {
		return nil, err
	}
	return v.Pack(), nil
}

type member struct {
	name  string
	value any
}

func (f jsonFormat) members(s Server) []member {
	list := []member{{"command", s.Command}, {"args", s.Args}}
	if f.typed {
		list = append([]member{{"type", "stdio"}}, list...)
	}
	return list
}

// setHome leaves variables alone that are not ours.
func (l layout) setHome(entry *hujson.Object, home string) error {
	if home == "" {
		if env := find(entry, "env"); env != nil {
			if o, ok := env.Value.Value.(*hujson.Object); ok {
				drop(o, homeVariable)
			}
		}
		return nil
	}
	env, err := l.object(entry, "env", 3)
	if err != nil {
		return err
	}
	return l.set(env, homeVariable, home, 4)
}

func (f jsonFormat) remove(data []byte) ([]byte, error) {
	v, err := f.parse(data)
	if err != nil {
		return nil, err
	}
	if servers := find(v.Value.(*hujson.Object), f.servers); servers != nil {
		if o, ok := servers.Value.Value.(*hujson.Object); ok {
			drop(o, Name)
		}
	}
	return v.Pack(), nil
}

func (f jsonFormat) snippet(s Server) (string, error) {
	text, err := f.set(nil, s)
	return string(text), err
}

func find(o *hujson.Object, name string) *hujson.ObjectMember {
	i := slices.IndexFunc(o.Members, func(m hujson.ObjectMember) bool { return m.Name.Value.(hujson.Literal).String() == name })
	if i < 0 {
		return nil
	}
	return &o.Members[i]
}

// layout is how a file is laid out, for what is added to it.
type layout struct{ newline, unit string }

func layoutOf(data []byte, root *hujson.Object) layout {
	l := layout{"\n", "  "}
	if bytes.Contains(data, []byte("\r\n")) {
		l.newline = "\r\n"
	}
	if len(root.Members) > 0 {
		if indent, ok := lastLine(root.Members[0].Name.BeforeExtra); ok && indent != "" {
			l.unit = indent
		}
	}
	return l
}

// lastLine is what stands before a member on its line, if it has one of its own.
func lastLine(e hujson.Extra) (string, bool) {
	i := bytes.LastIndexByte(e, '\n')
	if i < 0 || len(bytes.TrimLeft(e[i+1:], " \t")) > 0 {
		return "", false
	}
	return string(e[i+1:]), true
}

// object finds the object that the member name of o is, at depth; where there is none it adds one.
func (l layout) object(o *hujson.Object, name string, depth int) (*hujson.Object, error) {
	if find(o, name) == nil {
		if err := l.add(o, name, map[string]any{}, depth); err != nil {
			return nil, err
		}
	}
	inner, ok := find(o, name).Value.Value.(*hujson.Object)
	if !ok {
		return nil, errors.New("has something else than an object as " + name)
	}
	return inner, nil
}

// set makes the member name of o be value; where it says that already it stays as it is written.
func (l layout) set(o *hujson.Object, name string, value any, depth int) error {
	m := find(o, name)
	if m == nil {
		return l.add(o, name, value, depth)
	}
	v, err := jsonOf(value)
	if err != nil {
		return err
	}
	if !same(m.Value, v) {
		m.Value.Value = v.Value
	}
	return nil
}

func same(a, b hujson.Value) bool {
	var trees [2]any
	for i, v := range []hujson.Value{a.Clone(), b.Clone()} {
		v.Standardize()
		if json.Unmarshal(v.Pack(), &trees[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(trees[0], trees[1])
}

// jsonOf is v on one line.
func jsonOf(v any) (hujson.Value, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return hujson.Value{}, err
	}
	value, err := hujson.Parse(bytes.TrimSpace(b.Bytes()))
	if list, ok := value.Value.(*hujson.Array); ok {
		for i := 1; i < len(list.Elements); i++ {
			list.Elements[i].BeforeExtra = hujson.Extra(" ")
		}
	}
	return value, err
}

// add puts a member behind all others. Comments behind the last one stay with it.
func (l layout) add(o *hujson.Object, name string, value any, depth int) error {
	v, err := jsonOf(value)
	if err != nil {
		return err
	}
	key, err := jsonOf(name)
	if err != nil {
		return err
	}
	before, after := l.newline+strings.Repeat(l.unit, depth), l.newline+strings.Repeat(l.unit, depth-1)
	if n := len(o.Members); n > 0 {
		if indent, ok := lastLine(o.Members[0].Name.BeforeExtra); ok {
			before = l.newline + indent
		} else if len(bytes.TrimSpace(o.AfterExtra)) == 0 { // all on one line
			before, after = " ", string(o.AfterExtra)
		}
		if o.Members[n-1].Value.AfterExtra != nil {
			v.AfterExtra = hujson.Extra{} // the comma behind the last one stays
		}
		if indent, ok := lastLine(o.AfterExtra); ok {
			after = l.newline + indent
		}
	}
	key.BeforeExtra = append(bytes.TrimRight(o.AfterExtra, " \t\r\n"), before...)
	v.BeforeExtra = hujson.Extra(" ")
	o.Members = append(o.Members, hujson.ObjectMember{Name: key, Value: v})
	o.AfterExtra = hujson.Extra(after)
	return nil
}

// drop takes a member away. Comments before it stay: they may be about what precedes it.
func drop(o *hujson.Object, name string) {
	i := slices.IndexFunc(o.Members, func(m hujson.ObjectMember) bool { return m.Name.Value.(hujson.Literal).String() == name })
	if i < 0 {
		return
	}
	gone := o.Members[i]
	o.Members = slices.Delete(o.Members, i, i+1)
	kept := bytes.TrimRight(gone.Name.BeforeExtra, " \t\r\n")
	switch {
	case i < len(o.Members):
		next := &o.Members[i].Name
		next.BeforeExtra = slices.Concat(kept, next.BeforeExtra)
	default:
		o.AfterExtra = slices.Concat(kept, o.AfterExtra)
		if i > 0 { // what is the last one now has a comma behind it if the last one had
			last := &o.Members[i-1].Value
			if gone.Value.AfterExtra == nil {
				o.AfterExtra, last.AfterExtra = slices.Concat(last.AfterExtra, o.AfterExtra), nil
			} else if last.AfterExtra == nil {
				last.AfterExtra = hujson.Extra{}
			}
		}
	}
}
