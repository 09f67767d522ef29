package env_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/env"
)

func Example() {
	dir, err := os.MkdirTemp("", "env")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	home, work := filepath.Join(dir, "home"), filepath.Join(dir, "work", "deep")
	if err := os.MkdirAll(work, 0o755); err != nil {
		log.Fatal(err)
	}

	_, err = env.Load(env.Query{Dir: work, Home: home})
	fmt.Println(errors.Is(err, env.ErrNoProject))

	registry := env.OpenRegistry(home)
	w, err := registry.EnsureWorkspace("acme")
	if err != nil {
		log.Fatal(err)
	}
	p, err := registry.EnsureProject(w.ID, "pay", "payments")
	if err != nil {
		log.Fatal(err)
	}
	file := filepath.Join(dir, "work", ".agentsecrets", "project.json")
	err = env.WriteFile(file, env.File{
		ProjectID: p.ID, ProjectName: p.Name, WorkspaceID: w.ID, WorkspaceName: w.Name, Environment: "development",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := env.Switch(file, "staging"); err != nil {
		log.Fatal(err)
	}

	c, err := env.Load(env.Query{Dir: work, Home: home})
	fmt.Println(c.WorkspaceName, c.ProjectName, c.Environment, err)
	c, err = env.Load(env.Query{Dir: work, Home: home, Environment: "production"})
	fmt.Println(c.WorkspaceName, c.ProjectName, c.Environment, err)
	// Output:
	// true
	// acme pay staging <nil>
	// acme pay production <nil>
}
