package clients_test

import (
	"os"
	"os/exec"
	"strings"
)

// What single recipes need around them, and what they leave behind.

// standIn is a command that finds what kitchen has put on PATH.
func (w *world) standIn(path string, args ...string) *exec.Cmd {
	cmd := w.command(path, args...)
	cmd.Env = append(cmd.Env, "PATH="+w.path("bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"NPM_CONFIG_UPDATE_NOTIFIER=false", "GIT_AUTHOR_NAME=A Developer", "GIT_AUTHOR_EMAIL=dev@acme.test", "GIT_COMMITTER_NAME=A Developer", "GIT_COMMITTER_EMAIL=dev@acme.test")
	return cmd
}

// hasCommits holds that the repository of the origin has what was pushed.
func (w *world) hasCommits() {
	w.t.Helper()
	log := git(w.t, "-C", w.path("origin-repos", "repo.git"), "log", "--format=%s", "main")
	if got := strings.Join(strings.Fields(log), " "); got != "Add numbers Begin" {
		w.t.Errorf("the origin's repository has the commits %q", got)
	}
}

// asksForecast has the official MCP client start the server as its entry says: in the
// project's folder, and from another with the project named.
func (w *world) asksForecast() result {
	w.t.Helper()
	entry := []string{script(w.t, "mcp_entry.py"), w.path("project", ".mcp.json"), "forecast", `{"city":"Lagos"}`}
	r := w.run(w.standIn(python(w.t), entry...), "")
	elsewhere := w.standIn(python(w.t), append(entry, w.path("project"))...)
	elsewhere.Dir = w.path("tmp")
	more := w.run(elsewhere, "")
	if r.stdout == "" || more.stdout != r.stdout {
		w.t.Errorf("started from elsewhere the server says\n%s\nand not\n%s", more.stdout, r.stdout)
	}
	return r
}

// docker puts a stand-in for it on PATH.
func (w *world) docker() { w.executable("bin/docker", "exec bash "+script(w.t, "docker.sh")+` "$@"`) }

// signedOnce holds that the service took no signature made with a placeholder, and did take
// the one of the program that was given the value.
func (w *world) signedOnce() {
	w.t.Helper()
	signed, given := w.origin.last("/report.csv"), w.origin.last("/acme-reports/report.csv")
	if w.origin.signatureHolds(signed) || !w.origin.signatureHolds(given) {
		w.t.Error("a signature made with a placeholder holds, or one made with the value does not")
	}
}
