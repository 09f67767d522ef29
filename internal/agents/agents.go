// Package agents holds named agents: their tokens, and what each may use.
//
//	book, err := agents.Load(policy)
//	agent, err := book.Register("build", "", time.Now())
//	text, token, err := agent.Issue(agents.Wanted{Label: "ci"}, time.Now())
//	err = book.Save(policy)
//	…
//	agent, token := book.ByText(text)
//	err = token.Check(agent, projectID, environment, time.Now())
//	err = agent.Policy.Check(agent.Name, use)
//
// Guarantees: agents are part of the workspace's policy file, under its lock and
// its seal, so that no older file brings back a token that was revoked; the text
// of a token is nowhere in it. What an agent may do is never more than what
// anybody may in its project: its policy only takes away.
package agents

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Agent is a program, or a person's helper, that is known by name.
type Agent struct {
	Name       string
	ProjectID  string // "": of the whole workspace
	Registered time.Time
	Policy     Policy
	Tokens     []Token // in the order in which they were issued
}

// Book is all agents of a workspace, in the order of their names.
type Book struct {
	Agents []*Agent
}

// MaxName is what the column of names holds that programs cut lists by.
const MaxName = 20

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// NameError says why a text is no name of an agent. It does not show the text,
// which may be a token.
type NameError struct{ Reason string }

func (e *NameError) Error() string { return "that cannot be the name of an agent: " + e.Reason }

// Hint is the command with a name that would do.
func (e *NameError) Hint() string { return "agentsecrets agent register build-bot" }

// ValidName returns a *NameError for what cannot be a name.
func ValidName(name string) error {
	switch {
	case len(name) > MaxName:
		return &NameError{fmt.Sprintf("it has %d characters, more than %d", len(name), MaxName)}
	case !nameForm.MatchString(name):
		return &NameError{"it is made of letters, digits, dots, hyphens and underscores, and begins with a letter or digit"}
	case strings.HasPrefix(name, "AGENT"), strings.HasPrefix(name, tokenPrefix):
		return &NameError{"it begins as the heading of the list does, or a token, and programs would take it for that"}
	}
	return nil
}

// UnknownError says that there is no such agent, or token.
type UnknownError struct{ What, hint string }

func (e *UnknownError) Error() string { return e.What }

// Hint is the command that shows those that there are.
func (e *UnknownError) Hint() string { return e.hint }

func unknownAgent(name string) *UnknownError {
	what := "there is no such agent in this workspace"
	if ValidName(name) == nil {
		what = "there is no agent " + name + " in this workspace"
	}
	return &UnknownError{what, "agentsecrets agent list"}
}

// Agent finds one by name, in whatever case: two names that differ in nothing
// else would lead to one saved token.
func (b *Book) Agent(name string) (*Agent, error) {
	for _, a := range b.Agents {
		if strings.EqualFold(a.Name, name) {
			return a, nil
		}
	}
	return nil, unknownAgent(name)
}

// Register adds an agent that may use what anybody may.
func (b *Book) Register(name, projectID string, now time.Time) (*Agent, error) {
	if err := ValidName(name); err != nil {
		return nil, err
	}
	if a, err := b.Agent(name); err == nil {
		return nil, &TakenError{a.Name}
	}
	a := &Agent{Name: name, ProjectID: projectID, Registered: stamp(now), Policy: Policy{Allow: []string{"*"}}}
	b.Agents = append(b.Agents, a)
	b.sort()
	return a, nil
}

// TakenError says that there is an agent of that name.
type TakenError struct{ Name string }

func (e *TakenError) Error() string {
	return "there is an agent " + e.Name + " in this workspace already: names differ in more than case"
}

// Hint is the command for another token of it.
func (e *TakenError) Hint() string { return "agentsecrets agent token issue " + e.Name }

// Remove takes an agent away with its tokens.
func (b *Book) Remove(name string) (*Agent, error) {
	a, err := b.Agent(name)
	if err != nil {
		return nil, err
	}
	b.Agents = slices.DeleteFunc(b.Agents, func(other *Agent) bool { return other == a })
	return a, nil
}

// RemoveOf takes away the agents of one project, and names them.
func (b *Book) RemoveOf(projectID string) (names []string) {
	b.Agents = slices.DeleteFunc(b.Agents, func(a *Agent) bool {
		if a.ProjectID == projectID {
			names = append(names, a.Name)
		}
		return a.ProjectID == projectID
	})
	return names
}

func (b *Book) sort() {
	slices.SortFunc(b.Agents, func(x, y *Agent) int { return strings.Compare(x.Name, y.Name) })
}

// Active counts the tokens that work.
func (a *Agent) Active(now time.Time) int {
	n := 0
	for _, t := range a.Tokens {
		if t.Status(now) == Active {
			n++
		}
	}
	return n
}

// stamp is a time as the file keeps it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
