package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/place"
)

// bindFlags are the flags that say what a secret is bound to.
type bindFlags struct {
	hosts, places, methods, paths []string
	noEnv                         bool
}

func (f *bindFlags) define(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.hosts, "host", nil, "host that the secret may go to, as in a rule of the allowlist (repeatable)")
	flags.StringArrayVar(&f.places, "in", nil, "place in a request where it may stand (repeatable)")
	flags.StringArrayVar(&f.methods, "method", nil, "method of the requests that may have it, such as GET (repeatable)")
	flags.StringArrayVar(&f.paths, "path", nil, "path of those requests, such as /v1/charges or /v1/* (repeatable)")
	flags.BoolVar(&f.noEnv, "no-env", false, "never give its value to a program that run or env starts")
	a.completeFlag(cmd, "host", a.hostNames)
}

// placeNames and methodNames are what --in and --method take, in short.
func placeNames() []string {
	return []string{"header", "cookie", "query", "basic", "body", "body:any", "form", "path"}
}

func methodNames() []string {
	return []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
}

func listed(names ...string) func() ([]string, error) {
	return func() ([]string, error) { return names, nil }
}

// any reports whether the flags bind at all.
func (f bindFlags) any() bool {
	return len(f.hosts) > 0 || len(f.places) > 0 || len(f.methods) > 0 || len(f.paths) > 0 || f.noEnv
}

// binding reads all of the flags, so that each mistake is told at once.
func (f bindFlags) binding() (allowlist.Binding, error) {
	hosts, err := parseRules(f.hosts, allowlist.ParseRule)
	bad := []error{err}
	b := allowlist.Binding{
		Hosts:   hosts,
		Places:  parseAll(f.places, place.Parse, &bad),
		Methods: parseAll(f.methods, allowlist.ParseMethod, &bad),
		Paths:   parseAll(f.paths, allowlist.ParsePath, &bad),
		NoEnv:   f.noEnv,
	}
	bad = slices.DeleteFunc(bad, func(err error) bool { return err == nil })
	return b, joined(bad)
}

func parseAll(texts []string, parse func(string) (string, error), bad *[]error) []string {
	var all []string
	for _, text := range texts {
		v, err := parse(text)
		if err != nil {
			*bad = append(*bad, usage("%w", err))
		} else if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}
