package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/freeport"
	"github.com/agentsecrets/agentsecrets/internal/held"
)

// server starts one of other people's and waits until it answers on addr.
func server(ctx context.Context, dir string, environ []string, addr string, args ...string) (*held.Process, error) {
	p, err := held.Start(ctx, held.Program{Dir: dir, Env: environ, Args: args})
	if err != nil {
		return nil, err
	}
	if err := p.Listens(addr, time.Minute); err != nil { // which has stopped it
		return nil, err
	}
	return p, nil
}

// ran is what a program that has ended left behind.
type ran struct {
	ok     bool
	output string // of both streams
}

// output runs a program to its end. That it fails is a result, that it cannot
// be started or goes on for ever an error.
func output(ctx context.Context, limit time.Duration, dir string, environ []string, args ...string) (ran, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, environ
	cmd.SysProcAttr = held.DieWithUs()
	cmd.WaitDelay = 3 * time.Second
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ran{output: string(out)}, fmt.Errorf("%s did not end in %s: %s", filepath.Base(args[0]), limit, last(string(out)))
	case err != nil && !errors.As(err, &ended):
		return ran{}, fmt.Errorf("run %s: %w", filepath.Base(args[0]), err)
	}
	return ran{err == nil, string(out)}, nil
}

// last is the end of a program's output, for error texts.
func last(text string) string {
	const most = 600
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = "…" + strings.ToValidUTF8(text[len(text)-most:], "")
	}
	return text
}

// freePort is one on which nothing listens at the moment.
func freePort() (string, error) {
	port, err := freeport.Find()
	return strconv.Itoa(port), err
}
