package client

import (
	"context"
	"strconv"
	"time"
)

// Proxy is the one that stays in the background, of this home.
type Proxy struct{ c *Client }

// Proxy is what `agentsecrets proxy` does.
func (c *Client) Proxy() Proxy { return Proxy{c} }

// ProxyStatus is how it is with the proxy.
type ProxyStatus struct {
	Running       bool   `json:"running"`
	Port          int    `json:"port"`
	SessionValid  bool   `json:"session_valid"`
	UptimeSeconds int    `json:"uptime_seconds"`
	PID           int    `json:"pid"`
	Version       string `json:"version"`
	ProjectID     string `json:"project_id"`
	ProjectName   string `json:"project_name"`
	Environment   string `json:"environment"`
}

// Start starts it and returns when it answers. One that runs already is no error, if it
// does what was asked for.
func (p Proxy) Start(ctx context.Context) (ProxyStatus, error) { return p.c.startProxy(ctx) }

// Stop stops it, when what is under way is done. It is no error if it did not run:
// stopped is then false.
func (p Proxy) Stop(ctx context.Context) (stopped bool, err error) {
	defer p.c.ways.forget()
	r, err := answer[struct{ Stopped bool }](ctx, p.c, nil, "proxy", "stop")
	return r.Stopped, err
}

// Status asks it. One that does not run is no error.
func (p Proxy) Status(ctx context.Context) (ProxyStatus, error) {
	return verdict[ProxyStatus](ctx, p.c, exitUnreachable, "proxy", "status")
}

// Reload makes it read certificate files again.
func (p Proxy) Reload(ctx context.Context) error {
	return p.c.do(ctx, "proxy", "reload")
}

// LogFilter says which events are wanted; its zero value is the latest 20.
type LogFilter struct {
	Last        int    // how many, the latest; -1 is all
	Secret      string // name
	Status      string // OK, BLOCKED or ERROR
	Environment string
}

// AuditEvent is what the log has of an exchange: names, and no field for a value.
type AuditEvent struct {
	ID             string    `json:"id"`
	Timestamp      time.Time `json:"timestamp"`
	Event          string    `json:"event"` // decided or done
	SecretKeys     []string  `json:"secret_keys"`
	AuthStyles     []string  `json:"auth_styles"`
	Places         []string  `json:"places"`
	Method         string    `json:"method"`
	TargetURL      string    `json:"target_url"` // without query
	Domain         string    `json:"domain"`
	StatusCode     int       `json:"status_code"`
	DurationMS     int64     `json:"duration_ms"`
	Status         string    `json:"status"`
	Reason         string    `json:"reason"` // "-" or a slug
	Redacted       bool      `json:"redacted"`
	Redactions     int       `json:"redactions"`
	Detail         string    `json:"detail"`
	Hint           string    `json:"hint"`
	Client         string    `json:"client"` // of what a client did that is no exchange: its program
	AgentID        string    `json:"agent_id"`
	TokenID        string    `json:"token_id"`
	RunID          string    `json:"run_id"`
	Environment    string    `json:"environment"`
	IdentityLevel  string    `json:"identity_level"`
	ResolutionPath string    `json:"resolution_path"`
	CallerRole     string    `json:"caller_role"`
	WorkspaceID    string    `json:"workspace_id"`
	ProjectID      string    `json:"project_id"`
}

// Logs are the events that f asks for, the oldest first.
func (p Proxy) Logs(ctx context.Context, f LogFilter) ([]AuditEvent, error) {
	args := []string{"proxy", "logs"}
	if f.Last != 0 {
		args = append(args, "--last", strconv.Itoa(max(f.Last, 0)))
	}
	for _, o := range []struct{ flag, text string }{{"--secret", f.Secret}, {"--status", f.Status}, {"--env", f.Environment}} {
		if o.text != "" {
			args = append(args, o.flag+"="+o.text)
		}
	}
	return lines[AuditEvent](ctx, p.c, args...)
}
