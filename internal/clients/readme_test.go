package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/freeport"
)

// Every command of the README is run here, or is a command of .ci/run. Two
// things are changed before: ports, since the documented ones may be taken, and
// where git finds the repository.

// block is a fenced block of the README.
type block struct{ section, language, text string }

func readme(t *testing.T) []block {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^## ([^\n]*)\n|^```([a-z]*)\n(.*?)^```\n")
	var blocks []block
	section := ""
	for _, m := range fence.FindAllStringSubmatch(repoFile(t, "README.md"), -1) {
		if m[1] != "" {
			section = m[1]
			continue
		}
		blocks = append(blocks, block{section, m[2], m[3]})
	}
	return blocks
}

func repoFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The tests below cover all blocks: a block of a new kind or in a new section
// would be a command that nobody runs.
func TestReadmeBlocks(t *testing.T) {
	got := map[string]int{}
	for _, b := range readme(t) {
		got[b.section+"/"+b.language]++
	}
	want := map[string]int{"/console": 1, "/sh": 2, "Quick start/sh": got["Quick start/sh"], "With an SDK/python": 1, "With an SDK/sh": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) || got["Quick start/sh"] == 0 {
		t.Errorf("the README has the blocks %v, the tests know %v", got, want)
	}
}

// blocksOf are the texts of a section's blocks in a language.
func blocksOf(t *testing.T, section, language string) (texts []string) {
	t.Helper()
	for _, b := range readme(t) {
		if b.section == section && b.language == language {
			texts = append(texts, b.text)
		}
	}
	return texts
}

// The second command of the first screen is what CI runs, as it can't be part of
// itself; the first one is run below.
func TestReadmeTest(t *testing.T) {
	if second := blocksOf(t, "", "sh")[1]; !strings.Contains(repoFile(t, ".ci/run"), "\n"+second) {
		t.Errorf(".ci/run does not run %q", second)
	}
}

// cloning is a shell in which git finds this tree where the project's public
// repository is.
func (w *world) cloning(script string) *exec.Cmd {
	w.t.Helper()
	repo := w.path("source.git")
	git(w.t, "init", "-q", repo)
	git(w.t, "--git-dir="+repo+"/.git", "--work-tree="+filepath.Join("..", ".."), "add", "-A")
	git(w.t, "-C", repo, "-c", "user.name=Acme", "-c", "user.email=git@acme.test", "commit", "-q", "-m", "As it is")
	cmd := w.command("bash", "-euc", script)
	cmd.Env = append(cmd.Env,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+repo+".insteadOf",
		"GIT_CONFIG_VALUE_0=https://github.com/agentsecrets/agentsecrets")
	for _, v := range []string{"GOCACHE", "GOMODCACHE"} { // under HOME unless told
		out, err := exec.Command("go", "env", v).Output()
		if err != nil {
			w.t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, v+"="+strings.TrimSpace(string(out)))
	}
	return cmd
}

// Quick start: all its blocks are one session of a shell.
func TestReadmeQuickStart(t *testing.T) {
	var session strings.Builder
	session.WriteString("set -euo pipefail\n")
	for _, b := range readme(t) {
		if b.section == "Quick start" {
			session.WriteString(b.text)
		}
	}
	w := newOutside(t, "")
	w.write("pw", "correct horse battery staple\n")
	w.install("tree")
	cmd := w.command("bash", "-c", w.ports(session.String()))
	cmd.Dir = w.path("tree")
	cmd.Env = append(cmd.Env, "T="+w.dir, "VALUE="+w.value)
	t.Cleanup(w.stopProxy) // where the session did not come to its end
	r := w.run(cmd, "")
	if n := len(w.origin.seen["/v1/balance"]); n != 3 {
		t.Errorf("the origin got %d requests, want 3", n)
	}
	for _, request := range w.origin.seen["/v1/balance"] {
		if got := request.Header.Get("Authorization"); got != "Bearer "+w.value {
			t.Errorf("the origin got %q, want the value", got)
		}
	}
	if n := strings.Count(r.stdout, "Bearer "+marker); n < 3 {
		t.Errorf("the session shows %d redacted echoes:\n%s", n, r.stdout)
	}
	w.clean(r)
}

// The page of five commands, as it stands but for who answers the questions and
// where Stripe is.
func TestFiveCommands(t *testing.T) {
	page := repoFile(t, "docs/quickstart.md")
	_, rest, _ := strings.Cut(page, "```sh\n")
	script, _, ok := strings.Cut(rest, "```\n")
	if n := strings.Count(script, "\n"); !ok || n > 5 {
		t.Fatalf("the page has %d commands:\n%s", n, script)
	}
	w := newOutside(t, "")
	w.write("pw", "correct horse battery staple\n")
	pw := " --password-file " + w.path("pw")
	script = strings.NewReplacer(
		"agentsecrets init", "agentsecrets init --store file"+pw,
		" --allow", " --allow --stdin"+pw,
		"run --intercept", fmt.Sprintf("run --intercept%s --origin-ca %s --resolve api.stripe.com:443:127.0.0.1:%d", pw, w.origin.caFile, w.origin.port),
	).Replace(script)
	r := w.run(w.cloning(script), w.value)
	seen := w.origin.seen["/v1/balance"]
	if len(seen) != 1 || seen[0].Header.Get("Authorization") != "Bearer "+w.value {
		t.Errorf("the origin got %d requests, or not the value", len(seen))
	}
	if !strings.Contains(r.stdout, "Bearer "+marker) {
		t.Errorf("curl shows no redacted echo:\n%s", r.stdout)
	}
	w.clean(r)
}

// The transcript at the top is what a terminal shows, but for the length of
// the value.
func TestReadmeTranscript(t *testing.T) {
	w := newOutside(t, "")
	w.write("pw", "correct horse battery staple\n")
	w.write("project/pw", "correct horse battery staple\n")
	w.install("tree")
	w.agentsecrets("", "init", "--workspace", "acme", "--project", "pay", "--password-file", w.path("pw"), "--store", "file")
	shown := w.ports(readme(t)[0].text)
	cmd := w.command("bash", "-euc", "exec 2>&1\n"+echoing(shown))
	cmd.Env = append(cmd.Env, "VALUE="+w.value, "PATH="+w.path("tree", "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		w.ports("ACME=--origin-ca "+w.origin.caFile+" --resolve api.acme.test:9443:127.0.0.1:9443"))
	r := w.run(cmd, "")
	stars := regexp.MustCompile(`\*+`)
	if got, want := stars.ReplaceAllString(r.stdout, "*"), stars.ReplaceAllString(shown, "*"); got != want {
		t.Errorf("the transcript shows\n%s\nwhat happens is\n%s", want, got)
	}
	w.clean(r)
}

// echoing makes a script of a transcript's commands that prints each before it
// is run, as a terminal would. A line that begins with ">" goes on with the last.
func echoing(transcript string) string {
	var script strings.Builder
	command := ""
	flush := func() {
		if command != "" {
			prompt := "$ " + strings.ReplaceAll(command, "\n", "\n> ")
			fmt.Fprintf(&script, "cat <<'SHOWN'\n%s\nSHOWN\n%s\n", prompt, command)
		}
		command = ""
	}
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		if first, ok := strings.CutPrefix(line, "$ "); ok {
			flush()
			command = first
		} else if next, ok := strings.CutPrefix(line, "> "); ok {
			command += "\n" + next
		}
	}
	flush()
	return script.String()
}

// install puts the binary where `make` would.
func (w *world) install(folder string) {
	w.t.Helper()
	if err := os.MkdirAll(w.path(folder, "bin"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink(binary, w.path(folder, "bin", "agentsecrets")); err != nil {
		w.t.Fatal(err)
	}
}

// ports puts the origin's port, and a free one for the proxy, in the place of
// the documented ones.
func (w *world) ports(script string) string {
	return strings.NewReplacer("9443", fmt.Sprint(w.origin.port), "8765", w.freePort()).Replace(script)
}

func (w *world) freePort() string {
	port, err := freeport.Find()
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprint(port)
}
