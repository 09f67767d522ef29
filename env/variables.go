package env

import (
	"maps"
	"slices"
	"strings"
)

// variables is an environment: of several entries of one name the last counts,
// as in os/exec, and only that one is kept.
type variables struct {
	fold   bool // names are told apart by case, except on Windows
	order  []string
	values map[string]string // by key
	ours   map[string]bool   // by key: what we set
	odd    []string          // entries without a name, passed on as they are
}

func parse(environ []string, fold bool) variables {
	v := variables{fold: fold, values: map[string]string{}}
	for _, entry := range environ {
		// Windows keeps the directory of each drive in names like "=C:".
		if i := strings.IndexByte(entry[min(1, len(entry)):], '=') + 1; i > 0 {
			v.put(entry[:i], entry[i+1:])
		} else if entry != "" {
			v.odd = append(v.odd, entry)
		}
	}
	return v
}

func (v *variables) key(name string) string {
	if v.fold {
		return strings.ToUpper(name)
	}
	return name
}

func (v *variables) get(name string) string { return v.values[v.key(name)] }

func (v *variables) has(name string) bool {
	_, has := v.values[v.key(name)]
	return has
}

// option is get for a name that may have been spelled as npm lets one.
func (v *variables) option(name string) string {
	if value := v.get(name); value != "" || !npmOption(name) {
		return value
	}
	for _, other := range v.order {
		if npmSpelling(other) == npmSpelling(name) {
			return v.get(other)
		}
	}
	return ""
}

func (v *variables) put(name, value string) {
	if _, known := v.values[v.key(name)]; !known {
		v.order = append(v.order, name)
	}
	v.values[v.key(name)] = value
}

// set is put of a value of ours.
func (v *variables) set(name, value string) {
	v.put(name, value)
	v.ours[v.key(name)] = true
}

func (v *variables) touched(name string) bool { return v.ours[v.key(name)] }

// drop takes out every variable of which want says so.
func (v *variables) drop(want func(name string) bool) {
	v.order = slices.DeleteFunc(v.order, func(name string) bool {
		if want(name) {
			delete(v.values, v.key(name))
			return true
		}
		return false
	})
}

func (v *variables) clone() variables {
	c := *v
	c.order, c.values, c.odd, c.ours = slices.Clone(v.order), maps.Clone(v.values), slices.Clone(v.odd), map[string]bool{}
	return c
}

// environ lists the entries in their order, new ones last.
func (v *variables) environ() []string {
	list := slices.Clone(v.odd)
	for _, name := range v.order {
		list = append(list, name+"="+v.values[v.key(name)])
	}
	return list
}
