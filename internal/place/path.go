package place

// Paths into JSON are names and indices, joined with dots. A backslash takes from
// the dot or backslash behind it its meaning, so that the member "a.b" is no way
// to the member b of a.

// cut is how the rest of a path is written that was too long to be kept; it stands
// for any number of names.
const cut = "…"

// validPath reports whether a user may write path in a pattern.
func validPath(path string) bool {
	for _, name := range split(path) {
		if name == "" || name == cut || !validEscapes(name) {
			return false
		}
	}
	return true
}

func validEscapes(name string) bool {
	for i := 0; i < len(name); i++ {
		if name[i] != '\\' {
			continue
		}
		if i++; i == len(name) || name[i] != '.' && name[i] != '\\' {
			return false
		}
	}
	return true
}

// matchPath compares name by name. A * stands for one of them, whatever it is.
func matchPath(pattern, actual string) bool {
	want, got := split(pattern), split(actual)
	if len(want) != len(got) {
		return false
	}
	for i, name := range want {
		if name != got[i] && (name != "*" || got[i] == cut) {
			return false
		}
	}
	return true
}

// split cuts path at the dots that have no backslash before them.
func split(path string) []string {
	var names []string
	start := 0
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '\\':
			i++
		case '.':
			names, start = append(names, path[start:i]), i+1
		}
	}
	return append(names, path[start:])
}
