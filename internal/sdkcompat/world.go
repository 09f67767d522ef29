package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/freeport"
)

// world is one user's machine as the SDK meets it: the program on PATH, a home, a
// project with secrets, an API that is allowed.
type world struct {
	dir    string
	python string
	origin *origin
	values map[string]string // by label
	port   int               // for the proxy that stays in the background
}

// plan is what the rows are told. It names files and no value.
type plan struct {
	Modules  []string          `json:"modules"`
	Report   string            `json:"report"`
	Ours     string            `json:"ours"`     // PATH with the program
	Stub     string            `json:"stub"`     // PATH with one that does nothing
	None     string            `json:"none"`     // PATH without any
	Programs string            `json:"programs"` // that rows start
	Calls    string            `json:"calls"`    // file in which the stub writes down how it was called
	Origin   string            `json:"origin"`   // by the name that a rule allows
	Named    string            `json:"named"`    // by the name that flags lead there
	Flags    []string          `json:"flags"`    // these
	Port     int               `json:"port"`
	Free     int               `json:"free"` // port where nobody listens
	SHA256   map[string]string `json:"sha256"`
}

// newWorld sets one up with the commands that a person types. What asks for the
// workspace password is done here: the SDK cannot.
func newWorld(ctx context.Context, dir, binary, python string) (w *world, err error) {
	w = &world{dir: dir, python: python, values: map[string]string{}}
	for _, sub := range []string{"home", "user", "tmp", "project", "ours", "stub"} {
		if err := os.MkdirAll(w.path(sub), 0o700); err != nil {
			return nil, err
		}
	}
	labels := map[string]string{}
	for _, label := range []string{"PAY_KEY", "ORG_KEY", "BASIC_CREDS", "PAY_KEY of staging", "PAY_KEY of shop"} {
		value := "sk-" + rand.Text()
		if label == "BASIC_CREDS" {
			value = "someone:" + rand.Text()
		}
		w.values[label], labels[value] = value, label
	}
	if w.origin, err = startOrigin(labels); err != nil {
		return nil, err
	}
	if w.port, err = freeport.Find(); err == nil {
		err = w.files(binary)
	}
	if err == nil {
		err = w.setUp(ctx)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) close() { w.origin.close() }

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

// stub is the program for rows that show that a fault is the SDK's: it has nothing
// of ours, and does what variables say.
const stub = `#!/bin/sh
echo "$*" >>"$STUB_CALLS"
[ -z "$STUB_PRINTS" ] || echo "$STUB_PRINTS"
[ -z "$STUB_SAYS" ] || echo "$STUB_SAYS" >&2
exit "${STUB_EXIT:-0}"
`

func (w *world) files(binary string) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("find the program to test: %w (make build makes it)", err)
	}
	return errors.Join(
		os.Symlink(binary, w.path("ours", "agentsecrets")),
		os.WriteFile(w.path("stub", "agentsecrets"), []byte(stub), 0o700),
		os.WriteFile(w.path("pw"), []byte(password+"\n"), 0o600),
		os.WriteFile(w.path("origin-ca.pem"), w.origin.root.PEM(), 0o600),
		writeTree(w.path("python")),
	)
}

// writeTree puts the rows where Python finds them.
func writeTree(dir string) error {
	return fs.WalkDir(scripts, "python", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(scripts, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(path, "python/"))
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, b, 0o600))
	})
}

func (w *world) setUp(ctx context.Context) error {
	allowed := fmt.Sprintf("localhost:%d", w.origin.port)
	for _, c := range []struct{ stdin, args string }{
		{"", "init --workspace acme --project pay --password-file PW --store file"},
		{w.values["PAY_KEY"], "secrets set PAY_KEY --stdin"},
		{w.values["ORG_KEY"], "secrets set ORG_KEY --stdin"},
		{w.values["BASIC_CREDS"], "secrets set BASIC_CREDS --stdin"},
		{w.values["PAY_KEY of staging"], "secrets set PAY_KEY --stdin --environment staging"},
		{w.values["ORG_KEY"], "secrets set ORG_KEY --stdin --environment staging"},
		{"", "project create shop --description goods"},
		{w.values["PAY_KEY of shop"], "secrets set PAY_KEY --stdin"},
		{"", "project use pay"},
		{"", "workspace create other"},
		{"", "workspace allowlist add " + allowed + " --private --ca CA --password-file PW"},
		{"", fmt.Sprintf("workspace allowlist add api.acme.test:%d --password-file PW", w.origin.port)},
	} {
		args := strings.Fields(c.args)
		for i, word := range args {
			args[i] = strings.NewReplacer("PW", w.path("pw"), "CA", w.path("origin-ca.pem")).Replace(word)
			if word != "PW" && word != "CA" {
				args[i] = word
			}
		}
		cmd := w.command(ctx, w.path("ours", "agentsecrets"), args...)
		cmd.Stdin = strings.NewReader(c.stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("agentsecrets %s: %w\n%s", c.args, err, out)
		}
	}
	return nil
}

// command is a program in the project, with nothing of the tester's own settings.
func (w *world) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = w.path("project")
	cmd.Env = []string{
		"PATH=" + w.withPath("ours"), "HOME=" + w.path("user"), "AGENTSECRETS_HOME=" + w.path("home"), "TMPDIR=" + w.path("tmp"), "LANG=C.UTF-8",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/bus", fmt.Sprintf("AGENTSECRETS_PORT=%d", w.port), "STUB_CALLS=" + w.path("calls"),
		"PYTHONDONTWRITEBYTECODE=1",
	}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func (w *world) withPath(sub string) string { return w.path(sub) + ":/usr/bin:/bin" }

// rows runs those of some modules in one process of Python and returns what they found.
func (w *world) rows(ctx context.Context, modules []string, stderr io.Writer) ([]row, error) {
	free, err := freeport.Find()
	if err != nil {
		return nil, err
	}
	p := plan{
		Modules: modules, Report: w.path("report"), Ours: w.withPath("ours"), Stub: w.withPath("stub"), None: "/usr/bin:/bin", Programs: w.path("python", "programs"), Calls: w.path("calls"),
		Origin: fmt.Sprintf("https://localhost:%d", w.origin.port), Named: fmt.Sprintf("https://api.acme.test:%d", w.origin.port),
		Flags: []string{"--origin-ca", w.path("origin-ca.pem"), "--resolve", fmt.Sprintf("api.acme.test:%d:127.0.0.1:%[1]d", w.origin.port)},
		Port:  w.port, Free: free, SHA256: map[string]string{},
	}
	for label, value := range w.values {
		sum := sha256.Sum256([]byte(value))
		p.SHA256[label] = hex.EncodeToString(sum[:])
	}
	b, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(w.path("plan"), b, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("write the plan: %w", err)
	}
	var said strings.Builder
	cmd := w.command(ctx, w.python, w.path("python", "main.py"), w.path("plan"))
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	w.stopProxy(context.WithoutCancel(ctx))
	if err != nil {
		fmt.Fprint(stderr, said.String())
		return nil, fmt.Errorf("run the rows: %w", err)
	}
	found, seen, err := readRows(p.Report)
	if err != nil {
		return nil, err
	}
	return append(found, w.held(append(seen, said.String()))), nil
}

// stopProxy ends what a row has left in the background.
func (w *world) stopProxy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_ = w.command(ctx, w.path("ours", "agentsecrets"), "proxy", "stop", "--drain", "0").Run()
}

// held is the row that no value came to Python: not into what it printed, nor into
// what the SDK gave back in any row.
func (w *world) held(seen []string) row {
	r := row{Name: "no value in anything that the SDK gives back", Kind: works, OK: len(seen) > 0, Evidence: fmt.Sprintf("%d results", len(seen))}
	for label, value := range w.values {
		if slices.ContainsFunc(seen, func(text string) bool { return strings.Contains(text, value) }) {
			r.OK, r.Evidence = false, "the value of "+label+" came back"
		}
	}
	return r
}
