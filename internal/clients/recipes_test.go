package clients_test

import (
	"cmp"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The pages of docs/recipes are run as they stand: a block that is a program or a file is
// written under the name that the line above it says, the blocks marked sh are one session
// of a shell, and what a block marked text shows has to be what was printed. Blocks above the
// first heading of a page belong to each of its sections. What the session does not say is
// added around it: who answers what would be asked on a terminal, and which port of this machine
// a host leads to.

// recipe is a section of a page, and what has to come of it.
type recipe struct {
	page, section string
	big           bool     // needs what only `make recipes` installs
	hosts         []string // lead to the test's origin
	secret        string
	paths         []string             // where the value has to arrive
	sent          func(request) string // what the origin took for the value there
	prepare       func(*world)         // nil: nothing has to be there before
	then          func(*world) result  // nil: the page's session is all; else goes on where it ends
	check         func(*world)         // nil: there is no more to hold
}

var recipes = []recipe{
	{page: "anthropic.md", section: "Python", hosts: anthropic, secret: "ANTHROPIC_API_KEY", paths: messages, sent: apiKey},
	{page: "aws.md", section: "Bearer tokens", big: true, hosts: []string{"bedrock-runtime.us-east-1.amazonaws.com"}, secret: "AWS_BEARER_TOKEN_BEDROCK", paths: []string{"/model/amazon.nova-lite-v1:0/converse"}, sent: bearer},
	{page: "aws.md", section: "Requests that are signed", big: true, hosts: []string{"acme-reports.s3.eu-central-1.amazonaws.com"}, check: (*world).signedOnce},
	{page: "claude-code.md", section: "Run it", big: true, hosts: []string{"api.anthropic.com", apiHost}, secret: "ANTHROPIC_API_KEY", paths: []string{"/v1/messages", "/v1/echo"}, sent: apiKey},
	{page: "codex.md", section: "Run it", big: true, hosts: []string{"api.openai.com", apiHost}, secret: "OPENAI_API_KEY", paths: []string{"/v1/responses", "/v1/echo"}, sent: bearer},
	{page: "docker.md", section: "Run", hosts: acme, secret: "ACME_KEY", paths: []string{"/v1/echo"}, sent: bearer, prepare: (*world).docker},
	{page: "git.md", section: "Clone and push", hosts: gitHub, secret: "GITHUB_TOKEN", paths: []string{"/acme/tools.git/git-upload-pack", "/acme/tools.git/git-receive-pack"}, sent: password, check: (*world).hasCommits},
	{page: "git.md", section: "In the URL, in a header", hosts: gitHub, secret: "GITHUB_TOKEN", paths: []string{"/acme/tools.git/git-upload-pack"}, sent: password},
	{page: "anthropic.md", section: "Node", big: true, hosts: anthropic, secret: "ANTHROPIC_API_KEY", paths: messages, sent: apiKey},
	{page: "openai.md", section: "Node", big: true, hosts: openAI, secret: "OPENAI_API_KEY", paths: chatPaths, sent: bearer},
	{page: "stripe.md", section: "Node", big: true, hosts: stripe, secret: "STRIPE_KEY", paths: balance, sent: bearer},
	{page: "playwright.md", section: "Node", big: true, hosts: acme, secret: "ACME_KEY", paths: []string{"/v1/echo"}, sent: bearer},
	{page: "http.md", section: "requests", hosts: acme, secret: "ACME_KEY", paths: []string{"/v1/echo"}, sent: bearer},
	{page: "http.md", section: "curl", hosts: acme, secret: "ACME_KEY", paths: []string{"/v1/echo", "/v1/form"}, sent: bearerOrField},
	{page: "langchain.md", section: "Python", hosts: openAI, secret: "OPENAI_API_KEY", paths: chatPaths, sent: bearer},
	{page: "llamaindex.md", section: "Python", big: true, hosts: openAI, secret: "OPENAI_API_KEY", paths: chatPaths, sent: bearer},
	{page: "mcp-server.md", section: "Over stdio", hosts: acme, secret: "WEATHER_KEY", paths: []string{"/forecast"}, sent: key, then: (*world).asksForecast},
	{page: "openai.md", section: "Python", hosts: openAI, secret: "OPENAI_API_KEY", paths: chatPaths, sent: bearer},
	{page: "packages.md", section: "pip", hosts: packages, secret: "PACKAGES_TOKEN", paths: []string{"/simple/acme-tools/", "/simple/acme_tools-1.0-py3-none-any.whl"}, sent: password},
	{page: "packages.md", section: "npm", big: true, hosts: []string{"npm.pkg.github.com"}, secret: "GITHUB_TOKEN", paths: []string{"/@acme/tools", "/tools-1.0.0.tgz"}, sent: bearer, prepare: func(w *world) { w.write("project/package.json", "{}") }},
	{page: "stripe.md", section: "Python", hosts: stripe, secret: "STRIPE_KEY", paths: balance, sent: bearer},
}

var (
	acme      = []string{apiHost}
	anthropic = []string{"api.anthropic.com"}
	gitHub    = []string{"github.com"}
	openAI    = []string{"api.openai.com"}
	packages  = []string{"packages.acme.test"}
	stripe    = []string{"api.stripe.com"}
	messages  = []string{"/v1/messages"}
	chatPaths = []string{"/v1/chat/completions"}
	balance   = []string{"/v1/balance"}
)

func bearer(r request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// apiKey is how Anthropic's SDKs send theirs, the older ones in a field of its own.
func apiKey(r request) string { return cmp.Or(r.Header.Get("X-Api-Key"), bearer(r)) }

func key(r request) string { return r.Header.Get("X-Key") }

func password(r request) string {
	_, password, _ := r.BasicAuth()
	return password
}

func bearerOrField(r request) string {
	if r.Method == "POST" {
		return strings.TrimPrefix(string(r.body), "key=")
	}
	return bearer(r)
}

func (c recipe) title() string { return strings.TrimSuffix(c.page, ".md") + " " + c.section }

// part is a fenced block of a page.
type part struct{ section, above, language, note, text string }

type page []part

var partPattern = regexp.MustCompile("(?ms)^## ([^\n]*)\n|(?:^([^\n]+)\n\n)?^```([a-z]*)([^\n]*)\n(.*?)^```$")

func pageOf(t *testing.T, name string) (p page) {
	t.Helper()
	section := ""
	for _, m := range partPattern.FindAllStringSubmatch(repoFile(t, "docs/recipes/"+name), -1) {
		if m[1] != "" {
			section = m[1]
			continue
		}
		p = append(p, part{section, m[2], m[3], m[4], m[5]})
	}
	return p
}

// of are the blocks of a section, with those that stand above all sections.
func (p page) of(section string) page {
	return slices.DeleteFunc(slices.Clone(p), func(b part) bool { return b.section != "" && b.section != section })
}

func (p page) session(section string) (text string) {
	for _, b := range p.of(section) {
		if b.language == "sh" && b.note == "" {
			text += b.text
		}
	}
	return text
}

func (p page) shown(section string) (texts []string) {
	for _, b := range p.of(section) {
		if b.language == "text" {
			texts = append(texts, b.text)
		}
	}
	return texts
}

var fileName = regexp.MustCompile("^`([\\w.-]+)`")

// files are the programs and other files of a section, by name.
func (p page) files(section string) map[string]string {
	all := map[string]string{}
	for _, b := range p.of(section) {
		if m := fileName.FindStringSubmatch(b.above); b.isFile() && m != nil {
			all[m[1]] = b.text
		}
	}
	return all
}

func (b part) isFile() bool { return b.language != "sh" && b.language != "text" && b.note == "" }

// Every page is one that a test runs, whole, and that a reader finds.
func TestRecipesAreRun(t *testing.T) {
	run := map[string]map[string]bool{}
	for _, r := range recipes {
		if run[r.page] == nil {
			run[r.page] = map[string]bool{}
		}
		run[r.page][r.section] = true
	}
	found, err := filepath.Glob("../../docs/recipes/*.md")
	if err != nil || len(found) != len(run)+1 {
		t.Errorf("there are %d pages of recipes, with the index, and tests for %q: %v", len(found), slices.Sorted(maps.Keys(run)), err)
	}
	index := repoFile(t, "docs/recipes/README.md")
	for _, path := range found {
		name := filepath.Base(path)
		if name == "README.md" {
			continue
		}
		if !strings.Contains(index, "]("+name+")") {
			t.Errorf("%s is not linked from the index", name)
		}
		for _, b := range pageOf(t, name) {
			b.hasTest(t, name, run[name])
		}
	}
	for _, page := range []string{"README.md", "docs/README.md"} {
		if !strings.Contains(repoFile(t, page), "recipes/README.md)") {
			t.Errorf("%s does not link the recipes", page)
		}
	}
}

// hasTest holds that a block belongs to a section that is run, and is something that a test
// does, or says why it is not.
func (b part) hasTest(t *testing.T, name string, sections map[string]bool) {
	t.Helper()
	reason, without := strings.CutPrefix(b.note, " not run: ")
	switch {
	case len(sections) == 0 || b.section != "" && !sections[b.section]:
		t.Errorf("%s: no test runs the section %q", name, b.section)
	case b.note != "" && (!without || len(reason) < 5):
		t.Errorf("%s: a block says %q: it may say why it is not run, and nothing else", name, b.note)
	case b.isFile() && !fileName.MatchString(b.above):
		t.Errorf("%s: the line above a block does not say which file it is: %q", name, b.above)
	}
}
