package main

import (
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// policies answers the proxy's questions from the policy files, as they are at
// the moment: a rule that is taken away counts at once.
type policies struct {
	home      string
	catalogue *allowlist.Catalogue
	warn      func(error) // of what decides nothing; may be nil

	mu    sync.Mutex
	files map[string]*watched[*lists] // by workspace ID
	uses  map[string]*agents.Used     // as well
}

func newPolicies(home string) *policies {
	return &policies{home: home, catalogue: allowlist.NewCatalogue(), files: map[string]*watched[*lists]{}, uses: map[string]*agents.Used{}}
}

// lists are those of one content of a policy file.
type lists struct {
	policy *allowlist.Policy
	book   *agents.Book // nobody changes it

	mu   sync.Mutex
	made map[string]*allowlist.List // by project ID; nobody changes them
}

func loadLists(path string) (*lists, error) {
	policy, err := allowlist.LoadPolicy(path)
	if err != nil {
		return nil, err
	}
	book, err := agents.Load(policy)
	if err != nil {
		return nil, err
	}
	return &lists{policy: policy, book: book, made: map[string]*allowlist.List{}}, nil
}

func (l *lists) of(projectID string) *allowlist.List {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.made[projectID]
	if list == nil {
		list = l.policy.List(projectID)
		l.made[projectID] = list
	}
	return list
}

// seen is what one look found.
type seen struct {
	list *allowlist.List
	book *agents.Book
	err  error
}

// Look has what is asked about policy with the scope that it returns answered by
// the file as it is now, without another look at it.
func (p *policies) Look(s mitm.Scope) mitm.Scope {
	list, book, err := p.both(s)
	s.Seen = seen{list, book, err}
	return s
}

// list is what the scope's project may reach: as it was seen, or now.
func (p *policies) list(s mitm.Scope) (*allowlist.List, error) {
	if s, ok := s.Seen.(seen); ok {
		return s.list, s.err
	}
	list, _, err := p.both(s)
	return list, err
}

// both are what the scope's project may reach and the workspace's agents, now.
func (p *policies) both(s mitm.Scope) (*allowlist.List, *agents.Book, error) {
	f, err := p.file(s.WorkspaceID)
	if err != nil {
		return nil, nil, err
	}
	l, err := f.get()
	if err != nil {
		return nil, nil, err
	}
	return l.of(s.ProjectID), l.book, nil
}

func (p *policies) file(workspaceID string) (*watched[*lists], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.files[workspaceID]; f != nil {
		return f, nil
	}
	path, err := policyPath(p.home, workspaceID)
	if err != nil {
		return nil, err
	}
	p.files[workspaceID] = &watched[*lists]{path: path, load: loadLists}
	return p.files[workspaceID], nil
}

// Allow decides about one use.
func (p *policies) Allow(s mitm.Scope, u mitm.Use) error {
	if s.ProjectID == "" {
		return noProject()
	}
	list, err := p.list(s)
	if err != nil {
		return unreadablePolicy(u.Name, err)
	}
	if err := p.allowAgent(s, u); err != nil {
		return err
	}
	err = list.Check(useOf(u))
	var d *allowlist.DeniedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &d):
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: d.Reason, Message: d.Error(), Hint: d.Hint(), Name: d.Name, Domain: domainOf(u),
		}
	}
	return unreadablePolicy(u.Name, err)
}

// Options are what the rules say that allow u. Where that cannot be told they say
// nothing, and exchanges are made as strictly as can be.
func (p *policies) Options(s mitm.Scope, u mitm.Use) mitm.Options {
	list, err := p.list(s)
	if err != nil {
		return mitm.Options{}
	}
	o := list.Options(useOf(u))
	return mitm.Options{Private: o.Private, Plaintext: o.Plaintext, Range: o.Range, Roots: o.CA}
}

// Adding is the command for another option of the rule that allows u.
func (p *policies) Adding(s mitm.Scope, u mitm.Use) string {
	list, err := p.list(s)
	if err != nil {
		list = nil
	}
	return list.Adding(useOf(u))
}

// Rules names what Allow goes by.
func (p *policies) Rules(s mitm.Scope, u mitm.Use) []string {
	list, err := p.list(s)
	if err != nil {
		return nil
	}
	rules := list.Deciding(useOf(u))
	if s.TokenID != "" {
		rules = append(rules, "agent "+s.AgentID)
	}
	return rules
}

// Text reports whether a placeholder passes as text. Where that cannot be told it
// does not, and what Allow says then is what the client sees.
func (p *policies) Text(s mitm.Scope, u mitm.Use) bool {
	list, err := p.list(s)
	return err == nil && list.IsText(useOf(u), p.catalogue)
}

// Anywhere reports whether a body sent to host has to be searched for any
// occurrence. Where that cannot be told it is not: no value goes there anyway.
func (p *policies) Anywhere(s mitm.Scope, host string, port int) bool {
	list, err := p.list(s)
	return err == nil && list.Anywhere(host, port)
}

func useOf(u mitm.Use) allowlist.Use {
	return allowlist.Use{Name: u.Name, Host: u.Host, Port: u.Port, Method: u.Method, Path: u.Path, Place: u.Place, Whole: u.Whole}
}

// Reaches reports whether a value might ever go to host; where that cannot be
// told it may, so that what comes back is searched.
func (p *policies) Reaches(s mitm.Scope, host string, port int) bool {
	list, err := p.list(s)
	return err != nil || list.Reaches(host, port)
}

// Why nothing is allowed, where that is no rule's doing.
const (
	reasonPolicyUnreadable = "policy_unreadable"
	reasonPolicySeal       = "policy_seal_broken"
)

// policyReason is which of them err is.
func policyReason(err error) string {
	if broken := (*allowlist.SealError)(nil); errors.As(err, &broken) {
		return reasonPolicySeal
	}
	return reasonPolicyUnreadable
}

// unreadablePolicy says what doctor says, but for what stands in the file.
func unreadablePolicy(name string, err error) error {
	p := &mitm.Problem{
		Status: http.StatusServiceUnavailable, Slug: policyReason(err), Name: name,
		Message: "the workspace's policy file cannot be read, so nothing is allowed", Hint: "agentsecrets doctor",
	}
	var broken *allowlist.SealError
	var damaged *allowlist.CorruptError
	switch {
	case errors.As(err, &broken):
		p.Message, p.Hint = "the workspace's policy is not as agentsecrets left it, so nothing is allowed", broken.Hint()
	case errors.As(err, &damaged) && damaged.Command() == "":
		p.Message, p.Hint = "the workspace's policy file was written by a later version, so nothing is allowed", damaged.Hint()
	case errors.As(err, &damaged):
		p.Message = "the workspace's policy file is damaged, so nothing is allowed: put a backup in its place, or start with an empty one"
		p.Hint = damaged.Command()
	}
	return p
}

func noProject() error {
	return &mitm.Problem{
		Status: http.StatusServiceUnavailable, Slug: "project_not_found",
		Message: "the project file that this connection was made for is gone, damaged, or names another project: connect again",
		Hint:    "agentsecrets status",
	}
}

func domainOf(u mitm.Use) string {
	if u.Port == 443 {
		return u.Host
	}
	return u.Host + ":" + strconv.Itoa(u.Port)
}
