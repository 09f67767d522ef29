package client

import "context"

// Workspaces are those that are known on this machine.
type Workspaces struct{ c *Client }

// Workspaces is what `agentsecrets workspace` does.
func (c *Client) Workspaces() Workspaces { return Workspaces{c} }

// Workspace is one of them.
type Workspace struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Current bool   `json:"current"`
}

// List is all of them.
func (w Workspaces) List(ctx context.Context) ([]Workspace, error) {
	r, err := answer[struct{ Workspaces []Workspace }](ctx, w.c, nil, "workspace", "list")
	return r.Workspaces, err
}

// Create makes one on this machine; one of that name is no error.
func (w Workspaces) Create(ctx context.Context, name string) (Workspace, error) {
	r, err := answer[struct{ Workspace Workspace }](ctx, w.c, nil, given("workspace create", nil, name)...)
	return r.Workspace, err
}

// Rename gives one another name.
func (w Workspaces) Rename(ctx context.Context, name, newName string) (Workspace, error) {
	r, err := answer[struct{ Workspace Workspace }](ctx, w.c, nil, given("workspace rename", nil, name, newName)...)
	return r.Workspace, err
}

// Member is somebody in a workspace.
type Member struct {
	Email  string `json:"email"`
	Role   string `json:"role"`
	Status string `json:"status"`
}

// Members are those of the client's workspace.
func (w Workspaces) Members(ctx context.Context) ([]Member, error) {
	r, err := answer[struct{ Members []Member }](ctx, w.c, nil, "workspace", "members")
	return r.Members, err
}

// Invite asks somebody in, as a member or an admin. It needs a server.
func (w Workspaces) Invite(ctx context.Context, email, role string) error {
	return w.c.do(ctx, given("workspace invite", []string{"--role=" + role}, email)...)
}

// Remove takes somebody out of the workspace. It needs a server.
func (w Workspaces) Remove(ctx context.Context, email string) error {
	return w.c.do(ctx, given("workspace remove", nil, email)...)
}

// Promote makes a member an admin. It needs a server.
func (w Workspaces) Promote(ctx context.Context, email string) error {
	return w.c.do(ctx, given("workspace promote", nil, email)...)
}

// Demote makes an admin a member. It needs a server.
func (w Workspaces) Demote(ctx context.Context, email string) error {
	return w.c.do(ctx, given("workspace demote", nil, email)...)
}

// Projects are those of the workspace.
type Projects struct{ c *Client }

// Projects is what `agentsecrets project` does.
func (c *Client) Projects() Projects { return Projects{c} }

// Project is one of them.
type Project struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Workspace   string `json:"workspace"`
	Current     bool   `json:"current"`
}

// List is all of them.
func (p Projects) List(ctx context.Context) ([]Project, error) {
	r, err := answer[struct{ Projects []Project }](ctx, p.c, nil, "project", "list")
	return r.Projects, err
}

// Create makes a project, which the working directory is then of.
func (p Projects) Create(ctx context.Context, name, description string) (Project, error) {
	var flags []string
	if description != "" {
		flags = append(flags, "--description="+description)
	}
	defer p.c.ways.forget()
	r, err := answer[struct{ Project Project }](ctx, p.c, nil, given("project create", flags, name)...)
	return r.Project, err
}

// Update changes name and description; "" leaves one as it is.
func (p Projects) Update(ctx context.Context, name, newName, description string) (Project, error) {
	var flags []string
	if newName != "" {
		flags = append(flags, "--name="+newName)
	}
	if description != "" {
		flags = append(flags, "--description="+description)
	}
	r, err := answer[struct{ Project Project }](ctx, p.c, nil, given("project update", flags, name)...)
	return r.Project, err
}

// Delete takes a project away, with its secrets in all environments, and asks nobody.
func (p Projects) Delete(ctx context.Context, name string) error {
	return p.c.do(ctx, given("project delete", []string{"--yes"}, name)...)
}

// Environments are those of the project.
type Environments struct{ c *Client }

// Environments is what `agentsecrets environment` does.
func (c *Client) Environments() Environments { return Environments{c} }

// Environment is one of them.
type Environment struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	Secrets int    `json:"secrets"` // how many
}

// List is all of them.
func (e Environments) List(ctx context.Context) ([]Environment, error) {
	r, err := answer[struct{ Environments []Environment }](ctx, e.c, nil, "environment", "list")
	return r.Environments, err
}

// Moved is what became of each name.
type Moved struct {
	Added     []string `json:"added"`
	Replaced  []string `json:"replaced"`
	Kept      []string `json:"kept"`
	Conflicts []string `json:"conflicts"`
	Deleted   []string `json:"deleted"`
}

// Copy makes to hold what from holds, and nothing else.
func (e Environments) Copy(ctx context.Context, from, to string) (Moved, error) {
	return answer[Moved](ctx, e.c, nil, given("environment copy", []string{"--yes"}, from, to)...)
}

// Merge adds what from holds to what to holds.
func (e Environments) Merge(ctx context.Context, from, to string) (Moved, error) {
	return answer[Moved](ctx, e.c, nil, given("environment merge", []string{"--yes"}, from, to)...)
}

// Clean deletes all secrets of an environment, and asks nobody.
func (e Environments) Clean(ctx context.Context, name string) (Moved, error) {
	return answer[Moved](ctx, e.c, nil, given("environment clean", []string{"--yes"}, name)...)
}

// Invite asks somebody into the project, as a member or an admin. It needs a server.
func (p Projects) Invite(ctx context.Context, email, role string) error {
	return p.c.do(ctx, given("project invite", []string{"--role=" + role}, email)...)
}

// SetWorkspace makes a workspace the current one of this machine. It counts where no
// project file, option or variable says another.
func (c *Client) SetWorkspace(ctx context.Context, name string) error {
	defer c.ways.forget()
	return c.unscoped().do(ctx, given("workspace switch", nil, name)...)
}

// SetProject makes the working directory one of a project, for everybody who works there.
func (c *Client) SetProject(ctx context.Context, name string) error {
	defer c.ways.forget()
	return c.Project("").do(ctx, given("project use", nil, name)...)
}

// SetEnvironment switches the project of the working directory to an environment, for
// everybody who works there; the running proxy follows at once.
func (c *Client) SetEnvironment(ctx context.Context, name string) error {
	return c.Environment("").do(ctx, given("environment switch", nil, name)...)
}
