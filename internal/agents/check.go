package agents

import "time"

// TokenError says why a token does not count.
type TokenError struct {
	Status string // Expired; Revoked, also where nobody knows the token; Active where it counts elsewhere
	Agent  string // whose it is, "" where nobody knows
	text   string
	hint   string
}

func (e *TokenError) Error() string { return e.text }

// Hint is the command for a token that would.
func (e *TokenError) Hint() string { return e.hint }

// UnknownToken is for a text, or a name, that leads to no token.
func UnknownToken() *TokenError {
	return &TokenError{Revoked, "", "this is the token of no agent, and no name of a saved one", "agentsecrets agent list"}
}

// Check returns a *TokenError where the token of a does not count for a project
// and environment now. A nil token is none.
func (t *Token) Check(a *Agent, projectID, environment string, now time.Time) error {
	if t == nil {
		return UnknownToken()
	}
	another := "agentsecrets agent token issue " + a.Name
	switch {
	case t.Status(now) == Revoked:
		return &TokenError{Revoked, a.Name, "the token of agent " + a.Name + " has been revoked", another}
	case t.Status(now) == Expired:
		return &TokenError{Expired, a.Name, "the token of agent " + a.Name + " has expired", another}
	case a.ProjectID != "" && a.ProjectID != projectID:
		return &TokenError{Active, a.Name, "agent " + a.Name + " is of another project", "agentsecrets agent list"}
	case t.Environment != "" && t.Environment != environment:
		return &TokenError{
			Active, a.Name, "the token of agent " + a.Name + " is for environment " + t.Environment + ", not " + environment,
			another + " --env " + environment,
		}
	}
	return nil
}
