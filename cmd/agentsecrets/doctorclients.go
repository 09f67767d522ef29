package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/child"
	"github.com/agentsecrets/agentsecrets/internal/demo"
	"github.com/agentsecrets/agentsecrets/internal/probe"
	"github.com/agentsecrets/agentsecrets/internal/rundir"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// What became of a client. A client is direct if nothing of it came to the proxy: it does
// not take the proxy of the variables, or asks for nothing at all.
const (
	clientProxied = "proxied"
	clientDirect  = "direct"
	clientRefused = "ca_refused"
	clientFailed  = "failed"
	clientLeaked  = "leaked"
	clientAbsent  = "absent"
)

const (
	clientTime    = 20 * time.Second // of one client
	clientsTime   = 3 * time.Minute  // of all
	commandTime   = 2 * time.Minute  // of a program of the user
	clientsAtOnce = 4
)

var errSlow = errors.New("it did not end in time")

// clientRow is what is said of a client.
type clientRow struct {
	Client string `json:"client"`
	Name   string `json:"name"` // of the probe
	Path   string `json:"path"` // of the program
	Host   string `json:"host"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}

// doctorClients runs the clients that there are, each once, or the program that is named.
func (a *app) doctorClients(ctx context.Context, wanted string, args []string) error {
	if err := outsideRun("trying clients"); err != nil {
		return err
	}
	limit := clientsTime
	if len(args) > 0 {
		limit = commandTime
	}
	probes, err := probesFor(wanted)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lab, err := newClientLab(len(args) == 0)
	defer lab.close()
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // nothing to start
		return ctx.Err()
	}
	// From here on this process is the root of a run tree: what it starts may be an
	// agent, which asks agentsecrets for values by itself.
	if err := errors.Join(child.AdoptOrphans(), runtree.Mark()); err != nil {
		return err
	}
	r := &doctorReport{Checks: []doctorCheck{}}
	if len(args) > 0 {
		r.Clients, err = a.tryCommand(ctx, lab, args)
	} else {
		done := a.during("trying clients")
		r.Clients, err = a.tryProbes(ctx, lab, probes)
		done()
	}
	if err != nil {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return r.printClients(a, len(args) > 0)
}

// allClients is what --clients means by itself.
const allClients = "all"

// probesFor are the probes that wanted names: by client, language or probe.
func probesFor(wanted string) ([]probe.Probe, error) {
	var list []probe.Probe
	all := probe.All()
	for name := range strings.SplitSeq(strings.ToLower(wanted), ",") {
		is := func(p probe.Probe) bool {
			return name == allClients || slices.Contains([]string{strings.ToLower(p.Language), strings.ToLower(p.Client)}, name)
		}
		if slices.ContainsFunc(all, func(p probe.Probe) bool { return p.Name == name }) { // one of it, and no other client called so
			is = func(p probe.Probe) bool { return p.Name == name }
		}
		if name == "" || !slices.ContainsFunc(all, is) {
			return nil, noClient(name)
		}
		for _, p := range all {
			if is(p) && !slices.ContainsFunc(list, func(other probe.Probe) bool { return other.Name == p.Name }) {
				list = append(list, p)
			}
		}
	}
	return list, nil
}

// noClient says that there is none of that name, and which may have been meant.
func noClient(name string) *failure {
	shown := "that word"
	if plainWord.MatchString(name) {
		shown = strconv.Quote(name)
	}
	f := usage("--clients: %s is no client that it knows", shown)
	f.hint = "agentsecrets doctor --clients=curl,python"
	if names, err := probeNames(); err == nil {
		if near := env.Near(strings.ToLower(name), names); near != "" {
			f.err = fmt.Errorf("%w; did you mean %s?", f.err, near)
			f.hint = "agentsecrets doctor --clients=" + near
		}
	}
	return f
}

// namesClients reports whether wanted is a list that probesFor takes.
func namesClients(wanted string) bool {
	_, err := probesFor(wanted)
	return err == nil
}

// probeNames are what --clients can be asked for.
func probeNames() ([]string, error) {
	names := []string{allClients}
	for _, p := range probe.All() {
		for _, name := range []string{strings.ToLower(p.Language), p.Name} {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// tryProbes runs those whose program is there, some at once.
func (a *app) tryProbes(ctx context.Context, lab *clientLab, probes []probe.Probe) ([]clientRow, error) {
	dir, err := rundir.New()
	if err != nil {
		return nil, inTemp(exitFailure, err)
	}
	defer func() { a.afterwards(dir.Remove()) }()
	programs := filepath.Join(dir.Path(), "programs")
	if err := errors.Join(os.Mkdir(programs, 0o700), probe.Unpack(programs)); err != nil {
		return nil, err
	}
	rows := make([]clientRow, len(probes))
	room := make(chan struct{}, clientsAtOnce)
	var all sync.WaitGroup
	for i, p := range probes {
		path := p.Find(a.variable("PATH"))
		rows[i] = clientRow{Client: strings.TrimSpace(p.Language + " " + p.Client), Name: p.Name, Path: path, Host: labHost, State: clientAbsent}
		if path == "" {
			continue
		}
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			target := "https://" + labHost + "/" + p.Name
			c := lab.add(p.Name)
			out, err := a.tryOne(ctx, lab, c, filepath.Join(dir.Path(), p.Name), p.Argv(path, programs, target, placeholder.For(doctorName)))
			lab.judge(&rows[i], c, out, err)
		})
	}
	all.Wait()
	return slices.DeleteFunc(rows, func(r clientRow) bool { return r.State == clientAbsent }), nil
}

// tryOne runs argv as a run would, and returns what it printed.
func (a *app) tryOne(ctx context.Context, lab *clientLab, c *labClient, dir string, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	cmd, err := a.labCommand(ctx, lab, c, dir, []string{doctorName}, argv)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = lab.execute(cmd, c)
	if ctx.Err() != nil {
		err = errSlow
	}
	return c.without(lab.listener.Addr(), out.Bytes()), err
}

// without is text without the credential of the run, which clients show with its URL.
func (c *labClient) without(addr net.Addr, text []byte) []byte {
	u, err := url.Parse(c.run.URL(addr))
	if err != nil {
		return nil
	}
	token, _ := u.User.Password()
	return bytes.ReplaceAll(text, []byte(token), []byte("…"))
}

func (a *app) labCommand(ctx context.Context, lab *clientLab, c *labClient, dir string, names, argv []string) (*exec.Cmd, error) {
	environ, _, err := env.Child{
		Environ: a.environ, ProxyURL: c.run.URL(lab.listener.Addr()), CA: lab.authority.PEM(), Bundle: lab.authority.Bundle, Dir: dir, Names: names,
	}.Vars()
	if err != nil {
		return nil, err
	}
	p, err := a.program(argv, environ)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.Path, argv[1:]...)
	cmd.Args[0] = argv[0]
	cmd.Env, cmd.WaitDelay = environ, time.Second
	inGroup(cmd)
	return cmd, nil
}

// execute runs cmd to its end, and what it left behind with it.
func (l *clientLab) execute(cmd *exec.Cmd, c *labClient) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	l.mu.Lock()
	c.group = groupOf(cmd.Process.Pid)
	l.mu.Unlock()
	err := cmd.Wait()
	endGroup(cmd)
	return err
}

// judge says what became of a probe: by what came to the proxy and to the origin, not by
// what it says itself.
func (l *clientLab) judge(row *clientRow, c *labClient, out []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var exit *exec.ExitError
	reason := c.answered[labHost]
	switch {
	case len(demo.Seen(out, []byte(l.value))) > 0:
		row.State, row.Detail, row.Hint = clientLeaked, "the value is in what it printed", "agentsecrets version"
	case errors.As(err, &exit) && exit.ExitCode() == probe.Absent:
		row.State = clientAbsent
	case c.credential == l.value:
		row.State, row.Detail = clientProxied, "the origin got the value, and nothing came back"
		if err != nil && !errors.Is(err, errSlow) {
			row.State, row.Detail = clientFailed, "the origin got the value, and the client did not take the answer: "+lastLine(out, err)
		}
	case c.credential != "":
		row.State, row.Detail = clientFailed, "the origin got something else than the value: it signs or encodes what it holds"
	case exit == nil && err != nil: // not started, or too slow
		row.State, row.Detail = clientFailed, err.Error()
	case len(c.connected) == 0:
		row.State, row.Detail = clientDirect, "nothing of it came to the proxy: "+lastLine(out, err)
	case reason == "":
		row.State, row.Detail = clientRefused, "it left at our certificate: "+lastLine(out, err)
	default:
		row.State, row.Detail = clientFailed, reason+": "+lastLine(out, err)
	}
	row.Hint = clientHint(row)
}

// lastLine is the end of what a client said.
func lastLine(out []byte, err error) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	text := strings.TrimSpace(lines[len(lines)-1])
	if text == "" && err != nil {
		text = err.Error()
	}
	if r := []rune(text); len(r) > 120 {
		text = string(r[:120]) + "…"
	}
	return text
}

// tryCommand runs a program of the user in a run that has no values.
func (a *app) tryCommand(ctx context.Context, lab *clientLab, args []string) ([]clientRow, error) {
	dir, err := rundir.New()
	if err != nil {
		return nil, inTemp(exitFailure, err)
	}
	defer func() { a.afterwards(dir.Remove()) }()
	var names []string
	if w, err := a.where(); err == nil {
		if names, err = w.names(); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, env.ErrNoProject) {
		return nil, err
	}
	c := lab.add("command")
	cmd, err := a.labCommand(ctx, lab, c, dir.Path(), names, args)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = a.stderr, a.stderr // results are ours
	err = lab.execute(cmd, c)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errSlow
	}
	return lab.rows(c, cmd.Path, args[0], err), nil
}

// rows are what a program asked for, by host.
func (l *clientLab) rows(c *labClient, path, name string, err error) []clientRow {
	l.mu.Lock()
	defer l.mu.Unlock()
	base := clientRow{Client: name, Path: path}
	var rows []clientRow
	for _, host := range c.connected {
		row := base
		row.Host = host
		switch reason, ok := c.answered[host]; {
		case !ok:
			row.State, row.Detail = clientRefused, "it left at our certificate"
		case reason == "-":
			row.State, row.Detail = clientProxied, "its requests came through the proxy"
		case reason == "permission_denied":
			row.State, row.Detail = clientProxied, "its requests came through the proxy; those with a secret were not sent"
		default:
			row.State, row.Detail = clientProxied, "its requests came through the proxy, which answered "+reason
		}
		row.Hint = clientHint(&row)
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		base.State, base.Detail = clientDirect, "nothing of it came to the proxy: it does not take the proxy of HTTPS_PROXY, or asked for nothing"
		if err != nil {
			base.Detail += "; it ended with: " + err.Error()
		}
		base.Hint = clientHint(&base)
		rows = append(rows, base)
	}
	return rows
}
