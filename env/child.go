package env

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Child is a program that is to run behind the proxy.
type Child struct {
	Environ  []string // what the program would have had
	ProxyURL string   // with the credential of its run
	CA       []byte   // our root in PEM
	// Bundle makes one PEM of the system's roots, those in the file existing
	// ("" for none), and ours.
	Bundle func(existing string) ([]byte, error)
	Dir    string   // absolute, and this run's alone: the files that variables name are written here
	Names  []string // of secrets: each becomes a variable that holds its placeholder
	// Shell is set for an environment that outlives its proxy, and that is not a run's.
	Shell bool
	// PeersTold says that the proxy takes the programs of this environment that can
	// send no credential. Without, a shell does not lead them there.
	PeersTold bool
}

// Vars is the program's whole environment. Notices are for the user: what of
// the old environment could not be carried over.
func (c Child) Vars() (vars, notices []string, err error) {
	if !filepath.IsAbs(c.Dir) {
		return nil, nil, fmt.Errorf("make variables: directory %q is not absolute", c.Dir)
	}
	if block, _ := pem.Decode(c.CA); block == nil || c.Bundle == nil || c.ProxyURL == "" {
		return nil, nil, errors.New("make variables: a CA, a bundle and a proxy URL are required")
	}
	if err := privateDir(c.Dir); err != nil {
		return nil, nil, fmt.Errorf("make variables: %w", err)
	}
	before := parse(c.Environ, runtime.GOOS == "windows")
	w := &writer{Child: c, before: before, after: before.clone(), files: map[string]string{}}
	w.unset()
	w.proxies()
	w.constants()
	stored := w.roots()
	w.git()
	w.node()
	w.python()
	w.java()
	w.chromium()
	w.wget()
	w.placeholders()
	w.store(<-stored)
	if w.err != nil {
		return nil, nil, fmt.Errorf("make variables: %w", w.err)
	}
	return w.after.environ(), w.notices, nil
}

// privateDir has dir to ourselves: everything in it is named by variables of
// programs that will trust it.
func privateDir(dir string) error {
	if err := atomicfile.MkdirPrivate(dir); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// writer makes the variables of one child. before stays as it was, so that no
// step sees what another has set.
type writer struct {
	Child
	before, after variables
	files         map[string]string // their paths, by what they were made of
	notices       []string
	err           error // the first; steps go on and the result is dropped
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) notice(format string, args ...any) {
	w.notices = append(w.notices, fmt.Sprintf(format, args...))
}

// unset takes out what would lead around the proxy.
func (w *writer) unset() { w.after.drop(unwanted) }

func (w *writer) proxies() {
	for _, name := range proxyVars() {
		w.after.set(name, w.ProxyURL)
	}
	// Loopback, or servers under development could not be reached. More entries
	// would lead around us, and clients read lists of domains in a dozen ways.
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		w.after.set(name, loopback)
	}
}

func (w *writer) constants() {
	for _, name := range onVars() {
		w.after.set(name, "1")
	}
}

// git adds to the configuration that the environment holds already: a proxy in
// the user's files beats HTTPS_PROXY, and without a method named git asks twice.
func (w *writer) git() {
	count := 0
	if had := w.before.get("GIT_CONFIG_COUNT"); had != "" {
		n, err := strconv.ParseUint(had, 10, 31)
		if err != nil {
			n = 0
			w.notice("GIT_CONFIG_COUNT is %q, which is no number git takes: it begins anew", had)
		}
		count = int(n)
	}
	for _, c := range [][2]string{{"http.proxy", w.ProxyURL}, {"http.proxyAuthMethod", "basic"}} {
		w.after.set(gitKey(count), c[0])
		w.after.set(gitValue(count), c[1])
		count++
	}
	w.after.set("GIT_CONFIG_COUNT", strconv.Itoa(count))
}

// placeholders come last and yield to all that was set or taken out before.
func (w *writer) placeholders() {
	for _, name := range w.Names {
		if !w.after.touched(name) && !unwanted(name) && !reserved(name) {
			w.after.set(name, placeholder.For(name))
		}
	}
}

// reserved are names that mean something to us or to git as part of a set.
func reserved(name string) bool {
	name = strings.ToUpper(name)
	return strings.HasPrefix(name, "AGENTSECRETS_") || strings.HasPrefix(name, "GIT_CONFIG_")
}
