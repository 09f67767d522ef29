package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// A woven file holds, for each of its faults, a copy of the function that the
// fault is in, with the fault and under another name. The function itself begins
// by asking which fault is on, and leaves it to the copy if it is one of its own:
//
//	func double(n int) int { if mutant__[at:] == "0012" { return double__m0012(n) }
//		return 2 * n
//	}
//	func double__m0012(n int) int {
//		return 3 * n
//	}
//
// So one build has them all.

// numbered is a fault with the number that turns it on.
type numbered struct {
	fault
	number string
}

// copyName is what the copy of a function is called.
func (n numbered) copyName(function string) string { return function + "__m" + n.number }

// edit puts text in place of what stands from a to b.
type edit struct {
	a, b int
	text string
}

// weave returns src with the faults, and which of them are in it: the others are
// not inside of one function, or of one that knows who called it.
func weave(src string, faults []numbered) (string, []numbered, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", src, parser.SkipObjectResolution)
	if err != nil {
		return "", nil, err
	}
	of := map[*ast.FuncDecl][]numbered{}
	var edits []edit
	var copies strings.Builder
	var woven []numbered
	for _, n := range faults {
		fn := around(set, file, src, n.old)
		if fn == nil {
			continue
		}
		a, b := set.Position(fn.Pos()).Offset, set.Position(fn.End()).Offset
		text, ok := renamed(strings.Replace(src[a:b], n.old, n.new, 1), n)
		if !ok {
			continue
		}
		copies.WriteString("\n" + text + "\n")
		of[fn] = append(of[fn], n)
		woven = append(woven, n)
	}
	for fn, ns := range of {
		edits = append(edits, entry(set, fn, ns)...)
	}
	return apply(src, edits) + copies.String(), woven, nil
}

// around is the function that old is in, if it may be copied.
func around(set *token.FileSet, file *ast.File, src, old string) *ast.FuncDecl {
	at := strings.Index(src, old)
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		a, b := set.Position(fn.Pos()).Offset, set.Position(fn.End()).Offset
		text := src[a:b]
		// recover works in the deferred function alone, and a stack has one frame more.
		if a <= at && at+len(old) <= b && !strings.Contains(text, "recover()") && !strings.Contains(text, "runtime.Call") {
			return fn
		}
	}
	return nil
}

// renamed gives a function the name of its copy.
func renamed(text string, n numbered) (string, bool) {
	const head = "package p;"
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", head+text, parser.SkipObjectResolution)
	if err != nil || len(file.Decls) != 1 {
		return "", false
	}
	fn, ok := file.Decls[0].(*ast.FuncDecl)
	if !ok {
		return "", false
	}
	at := set.Position(fn.Name.Pos()).Offset - len(head)
	return text[:at] + n.copyName(fn.Name.Name) + text[at+len(fn.Name.Name):], true
}

// entry is what a function begins with, and the names that its parameters need for it.
func entry(set *token.FileSet, fn *ast.FuncDecl, faults []numbered) []edit {
	var edits []edit
	var names []string
	name := func(list *ast.FieldList, prefix string) {
		if list == nil {
			return
		}
		for _, f := range list.List {
			if len(f.Names) == 0 {
				names = append(names, fmt.Sprintf("%s%d__", prefix, len(names)))
				at := set.Position(f.Type.Pos()).Offset
				edits = append(edits, edit{at, at, names[len(names)-1] + " "})
			}
			for _, ident := range f.Names {
				names = append(names, ident.Name)
				if ident.Name == "_" {
					at := set.Position(ident.Pos()).Offset
					names[len(names)-1] = fmt.Sprintf("%s%d__", prefix, len(names))
					edits = append(edits, edit{at, at + 1, names[len(names)-1]})
				}
			}
		}
	}
	name(fn.Recv, "r")
	receiver := strings.Join(names, "")
	names = nil
	name(fn.Type.Params, "p")
	call := "(" + strings.Join(names, ", ")
	if list := fn.Type.Params.List; len(list) > 0 {
		if _, variadic := list[len(list)-1].Type.(*ast.Ellipsis); variadic {
			call += "..."
		}
	}
	var b strings.Builder
	for _, n := range faults {
		copied := n.copyName(fn.Name.Name) + typeArguments(fn) + call + ")"
		if receiver != "" {
			copied = receiver + "." + copied
		}
		if fn.Type.Results == nil {
			copied += "; return"
		} else {
			copied = "return " + copied
		}
		fmt.Fprintf(&b, " if mutant__[%d:] == %q { %s };", len(marker)-len(n.number), n.number, copied)
	}
	at := set.Position(fn.Body.Lbrace).Offset + 1
	return append(edits, edit{at, at, b.String()})
}

// typeArguments are the type parameters of a generic function, for its copy.
func typeArguments(fn *ast.FuncDecl) string {
	if fn.Type.TypeParams == nil {
		return ""
	}
	var names []string
	for _, f := range fn.Type.TypeParams.List {
		for _, ident := range f.Names {
			names = append(names, ident.Name)
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func apply(src string, edits []edit) string {
	slices.SortFunc(edits, func(x, y edit) int { return y.a - x.a })
	for _, e := range edits {
		src = src[:e.a] + e.text + src[e.b:]
	}
	return src
}
