package client

import "context"

// Status is what is set up here.
type Status struct {
	UserEmail     string `json:"user_email"` // "" without an account
	WorkspaceID   string `json:"workspace_id"`
	WorkspaceName string `json:"workspace_name"`
	ProjectID     string `json:"project_id"`
	ProjectName   string `json:"project_name"`
	Environment   string `json:"environment"`
	Secrets       int    `json:"secrets"`      // how many
	StorageMode   string `json:"storage_mode"` // keychain or file
	LastPull      string `json:"last_pull"`
	ProxyRunning  bool   `json:"proxy_running"`
	ProxyPort     int    `json:"proxy_port"`
	Version       string `json:"version"`
	Locked        bool   `json:"locked"`
}

// Status says what is set up here, and whether the proxy runs.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return answer[Status](ctx, c, nil, "status")
}

// Explanation says why an exchange was refused, not expanded, or redacted.
type Explanation struct {
	ID       string     `json:"id"`
	Outcome  string     `json:"outcome"`
	Redacted bool       `json:"redacted"`
	Asked    string     `json:"asked"`
	Decided  string     `json:"decided"`
	Result   string     `json:"result"`
	Echoes   string     `json:"echoes"`
	Hints    []string   `json:"hints"`
	Event    AuditEvent `json:"event"`
}

// Explain looks an exchange up in the log, by the ID of a response or an error.
func (c *Client) Explain(ctx context.Context, exchange string) (Explanation, error) {
	return answer[Explanation](ctx, c, nil, given("explain", nil, exchange)...)
}

// Check is what doctor found out about one thing. It names secrets, and shows no value.
type Check struct {
	What    string `json:"what"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning"` // not as it should be, and no failure
	Detail  string `json:"detail"`
	Hint    string `json:"hint"`
}

// Doctor checks the set-up of this machine, as `agentsecrets doctor` does; ok is false if
// a check failed.
func (c *Client) Doctor(ctx context.Context) (checks []Check, ok bool, err error) {
	r, err := verdict[struct {
		Checks []Check
		OK     bool
	}](ctx, c, 1, "doctor")
	return r.Checks, r.OK, err
}

// VerifiedLog is one file of the audit log.
type VerifiedLog struct {
	File   string `json:"file"`
	State  string `json:"state"` // ok, bad, or not chained
	Lines  int    `json:"lines"`
	Line   int    `json:"line"` // the first bad one
	Reason string `json:"reason"`
}

// VerifyLog checks that nothing in the audit log was changed or cut.
func (c *Client) VerifyLog(ctx context.Context) (files []VerifiedLog, ok bool, err error) {
	r, err := verdict[struct {
		Files []VerifiedLog
		OK    bool
	}](ctx, c, 1, "log", "verify")
	return r.Files, r.OK, err
}

// Version is that of the agentsecrets command.
func (c *Client) Version(ctx context.Context) (string, error) {
	v, err := answer[struct{ Version string }](ctx, c, nil, "version")
	return v.Version, err
}
