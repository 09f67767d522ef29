package clients_test

import (
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository serves one bare repository over git's smart HTTP, by git's own
// CGI program, to whoever shows Basic credentials.
type repository struct {
	folder string
	cgi    *cgi.Handler
}

func newRepository(t *testing.T, dir string) *repository {
	t.Helper()
	folder := filepath.Join(dir, "origin-repos", "repo.git")
	git(t, "init", "-q", "--bare", "-b", "main", folder)
	tree := strings.TrimSpace(git(t, "-C", folder, "hash-object", "-w", "-t", "tree", "/dev/null"))
	commit := git(t, "-C", folder, "-c", "user.name=Acme", "-c", "user.email=git@acme.test", "commit-tree", "-m", "Begin", tree)
	git(t, "-C", folder, "update-ref", "refs/heads/main", strings.TrimSpace(commit))
	exec := strings.TrimSpace(git(t, "--exec-path"))
	return &repository{folder, &cgi.Handler{
		Path:   filepath.Join(exec, "git-http-backend"),
		Root:   "/",
		Env:    []string{"GIT_PROJECT_ROOT=" + filepath.Dir(folder), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=bot"},
		Stderr: t.Output(),
	}}
}

func (s *repository) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, _, ok := r.BasicAuth(); !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	s.cgi.ServeHTTP(w, r)
}

func git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		t.Fatalf("git %s: %v", args, err)
	}
	return string(out)
}
