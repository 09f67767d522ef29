package agentsecretstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/agentsecrets/agentsecrets/client"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Mock remembers what a client was asked for. It knows names of secrets and no value: there
// is nothing that a test could find in a call but the name.
type Mock struct {
	// Answer makes the response of a call; nil answers 200 with an empty object. It may
	// return an error as the proxy's, such as
	// (&client.Error{Slug: "domain_not_in_allowlist", Domain: r.URL}).Typed().
	Answer func(r client.Request) (*client.Response, error)

	// Run is what a program that is spawned does; nil ends with 0.
	Run func(p Spawned, stdout, stderr io.Writer) (exit int)

	client *client.Client
	mu     sync.Mutex
	names  map[string]bool
	calls  []client.Request
	runs   []Spawned
}

// Spawned is a program that was to be run.
type Spawned struct {
	Path      string
	Args      []string
	Project   string // that the client is bound to; "" for that of the working directory
	Intercept bool
}

// NewMock knows secrets by these names. A call for another is a
// *client.SecretNotFoundError.
func NewMock(names ...string) *Mock {
	m := &Mock{names: map[string]bool{}}
	for _, n := range names {
		m.names[n] = true
	}
	c, err := client.New(client.WithPort(client.DefaultPort), client.WithStandIn(client.StandIn{
		Call: m.call, Command: m.command, Transport: transport{m},
	}))
	if err != nil {
		panic(err) // nothing that New refuses is in these options
	}
	m.client = c
	return m
}

// Client is a client whose calls, programs and HTTPClient the mock stands in for. The names
// that it lists, sets and deletes are the mock's; other commands fail.
func (m *Mock) Client() *client.Client { return m.client }

// Call is that of Client, so that a Mock is a client.Caller.
func (m *Mock) Call(ctx context.Context, r client.Request) (*client.Response, error) {
	return m.client.Call(ctx, r)
}

// Calls are those that were made so far, in their order.
func (m *Mock) Calls() []client.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// Programs are those that were spawned so far.
func (m *Mock) Programs() []Spawned {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.runs)
}

func (m *Mock) call(ctx context.Context, r client.Request) (*client.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.calls = append(m.calls, r)
	missing := m.missingLocked(named(r))
	m.mu.Unlock()
	if missing != nil {
		return nil, missing
	}
	if m.Answer != nil {
		return m.Answer(r)
	}
	return &client.Response{StatusCode: http.StatusOK, Headers: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{}")}, nil
}

// named are the secrets that r asks for.
func named(r client.Request) (names []string) {
	texts := []string{r.Bearer, r.Basic}
	for _, fields := range []map[string]string{r.Header, r.Query, r.BodyField, r.FormField} {
		texts = append(texts, slices.Sorted(maps.Values(fields))...)
	}
	for _, t := range texts {
		if placeholder.Valid(t) {
			names = append(names, t)
		}
	}
	return names
}

func (m *Mock) missingLocked(names []string) error {
	for _, n := range names {
		if !m.names[n] {
			return (&client.Error{
				Slug: "secret_not_found", Status: http.StatusFailedDependency, Name: n, Fix: "agentsecrets secrets set " + n,
				Message: fmt.Sprintf("secret '%s' not found in keychain or vault of project mock, environment development", n),
			}).Typed()
		}
	}
	return nil
}

// transport takes what an HTTPClient sends.
type transport struct{ m *Mock }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	r := client.Request{URL: req.URL.String(), Method: req.Method, ForwardHeader: req.Header.Clone()}
	if len(body) > 0 {
		r.Body = body
	}
	resp, err := t.m.call(req.Context(), r)
	if err != nil {
		return nil, err
	}
	header := resp.Headers.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)), StatusCode: resp.StatusCode,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: req,
		Body: io.NopCloser(strings.NewReader(string(resp.Body))), ContentLength: int64(len(resp.Body)),
	}, nil
}

// command stands in for the agentsecrets command, as far as that takes no more than names.
func (m *Mock) command(c client.Command) (exit int, err error) {
	words := c.Args[:min(2, len(c.Args))]
	switch strings.Join(words, " ") {
	case "secrets list":
		return 0, m.list(c.Stdout)
	case "secrets set":
		return 0, m.set(c)
	case "secrets delete":
		return m.remove(c)
	}
	if words[0] == "run" {
		return m.run(c), nil
	}
	fmt.Fprintf(c.Stderr, "agentsecrets: not_running: a test has no command agentsecrets %s\n", strings.Join(words, " "))
	return 1, nil
}

func (m *Mock) list(out io.Writer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	secrets := []client.Secret{}
	for _, n := range sorted(m.names) {
		secrets = append(secrets, client.Secret{Name: n, Hosts: []string{}, Places: []string{}, Methods: []string{}, Paths: []string{}})
	}
	return json.NewEncoder(out).Encode(map[string]any{"secrets": secrets})
}

// set keeps the name, and drops the value.
func (m *Mock) set(c client.Command) error {
	if _, err := io.Copy(io.Discard, c.Stdin); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	names := behind(c.Args, "--")
	m.names[names[0]] = true
	return json.NewEncoder(c.Stdout).Encode(client.SetResult{Set: names, Short: []string{}, Weak: []string{}})
}

func (m *Mock) remove(c client.Command) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := behind(c.Args, "--")
	var missing *client.Error
	if errors.As(m.missingLocked(names), &missing) {
		fmt.Fprintf(c.Stderr, "agentsecrets: %s\nhint: agentsecrets secrets list\n", missing.Message)
		return 4, nil
	}
	for _, n := range names {
		delete(m.names, n)
	}
	return 0, nil
}

// run remembers a program.
func (m *Mock) run(c client.Command) int {
	flags, program := c.Args[1:], []string{}
	if i := slices.Index(flags, "--"); i >= 0 {
		flags, program = flags[:i], flags[i+1:]
	}
	s := Spawned{Path: program[0], Args: program[1:], Intercept: slices.Contains(flags, "--intercept")}
	if i := slices.Index(flags, "--project"); i >= 0 {
		s.Project = flags[i+1]
	}
	m.mu.Lock()
	m.runs = append(m.runs, s)
	m.mu.Unlock()
	if m.Run == nil {
		return 0
	}
	return m.Run(s, c.Stdout, c.Stderr)
}

// behind is what of args stands behind word.
func behind(args []string, word string) []string {
	return args[slices.Index(args, word)+1:]
}

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
