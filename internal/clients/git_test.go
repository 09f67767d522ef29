package clients_test

import (
	"net/url"
	"strings"
	"testing"
)

func TestGit(t *testing.T) {
	w := newWorld(t, `q"7\&+/=%`)
	r := w.run(w.intercepted("sh", script(t, "git.sh"), w.repository(gitHost, placeholder), w.path("project", "clone")), "")
	w.pushed()
	w.clean(r)
	w.audited("basic")
}

// The control of TestGit: the clone that it leaves holds the value.
func TestGitWithoutUs(t *testing.T) {
	w := newOutside(t, "")
	w.run(w.direct("sh", script(t, "git.sh"), w.repository("localhost", w.value), w.path("project", "clone")), "")
	w.pushed()
	if w.files(w.path("project")) == nil {
		t.Error("the clone does not hold the value: the search misses it")
	}
}

// repository is the URL that a user would clone, credentials included.
func (w *world) repository(host, password string) string {
	u, err := url.Parse(w.origin.url(host) + "/repo.git")
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.UserPassword("bot", password)
	return u.String()
}

// pushed holds that the origin got the value as the password of clone and push,
// and has the commit.
func (w *world) pushed() {
	w.t.Helper()
	for _, path := range []string{"/repo.git/git-upload-pack", "/repo.git/git-receive-pack"} {
		user, password, _ := w.origin.last(path).BasicAuth()
		if user != "bot" || password != w.value {
			w.t.Errorf("%s: the origin got user %q, password %q", path, user, password)
		}
	}
	log := git(w.t, "-C", w.path("origin-repos", "repo.git"), "log", "--format=%s", "main")
	if got := strings.Join(strings.Fields(log), " "); got != "Add numbers Begin" {
		w.t.Errorf("the origin's repository has the commits %q", got)
	}
}
