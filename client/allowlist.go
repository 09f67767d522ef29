package client

import (
	"context"
	"strconv"
	"time"
)

// Allowlist is where requests with secrets may go, of the workspace. Changes want the
// workspace password: without a terminal, and in a run, they are a [*PermissionDeniedError].
type Allowlist struct{ c *Client }

// Allowlist is what `agentsecrets workspace allowlist` does.
func (c *Client) Allowlist() Allowlist { return Allowlist{c} }

// Rule is one of it.
type Rule struct {
	Rule      string    `json:"rule"`
	Host      string    `json:"host"`
	Port      int       `json:"port"`
	Wildcard  bool      `json:"wildcard"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Places    []string  `json:"places"`
	Private   bool      `json:"private"`
	Plaintext bool      `json:"plaintext"`
	Range     bool      `json:"range"`
	AddedBy   string    `json:"added_by"`
	AddedAt   time.Time `json:"added_at"`
}

// List is all rules.
func (a Allowlist) List(ctx context.Context) ([]Rule, error) {
	r, err := answer[struct{ Rules []Rule }](ctx, a.c, nil, "workspace", "allowlist", "list")
	return r.Rules, err
}

// Add adds rules, as `api.stripe.com`, all or none. It returns those that were not there.
func (a Allowlist) Add(ctx context.Context, rules ...string) ([]string, error) {
	r, err := answer[struct{ Added []string }](ctx, a.c, nil, given("workspace allowlist add", nil, rules...)...)
	return r.Added, err
}

// Remove takes rules away, all or none.
func (a Allowlist) Remove(ctx context.Context, rules ...string) ([]string, error) {
	r, err := answer[struct{ Removed []string }](ctx, a.c, nil, given("workspace allowlist remove", nil, rules...)...)
	return r.Removed, err
}

// Change is one attempt to change rules or bindings.
type Change struct {
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`
	Action  string    `json:"action"`
	Rule    string    `json:"rule"`
	Outcome string    `json:"outcome"` // done, denied, or refused in a run
}

// Log is the latest changes; last 0 is all.
func (a Allowlist) Log(ctx context.Context, last int) ([]Change, error) {
	return lines[Change](ctx, a.c, "workspace", "allowlist", "log", "--last", strconv.Itoa(last))
}

// Verdict says whether secrets would go to a URL, and why.
type Verdict struct {
	Allowed bool `json:"allowed"` // all of it
	Names   []struct {
		Name    string   `json:"name"`
		Allowed bool     `json:"allowed"`
		Reason  string   `json:"reason"` // a slug
		Message string   `json:"message"`
		Decided []string `json:"decided"` // rules and bindings
		Hint    string   `json:"hint"`
	} `json:"names"`
}

// Test says what would become of a request with these secrets, or with any of the project.
// DNS is not asked.
func (a Allowlist) Test(ctx context.Context, method, url string, names ...string) (Verdict, error) {
	flags := []string{"--no-lookup"}
	if method != "" {
		flags = append(flags, "--method="+method)
	}
	for _, n := range names {
		flags = append(flags, "--name="+n)
	}
	return verdict[Verdict](ctx, a.c, exitDenied, given("allowlist test", flags, url)...)
}
