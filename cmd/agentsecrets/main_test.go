package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/keyring"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/secretservice"
)

func TestMain(m *testing.M) {
	secretservice.Main()
	if len(os.Args) > 1 && os.Args[1] == keychainHelper { // of a test that opens a home itself
		main()
		return
	}
	testscript.Main(withKeychain{m}, map[string]func(){
		"agentsecrets": main,
		"tlsorigin":    tlsOrigin,
		"plainorigin":  plainOrigin,
		"connectproxy": connectProxy,
		"cheapen":      cheapen,
		"nokeyring":    noKeyring,
		"squatter":     squatter,
		"stranger":     stranger,
		"agedroot":     agedRoot,
	})
}

// withKeychain has a copy of this program for sessions of an ordinary user.
type withKeychain struct{ *testing.M }

func (m withKeychain) Run() int {
	remove, err := secretservice.Copy()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	return m.M.Run()
}

// TestScripts runs the real binary as a user does: one script a command.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("AGENTSECRETS_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("GORACE", "atexit_sleep_ms=0") // under -race every process would wait a second at its end
			e.Setenv("PARENTPW", "word-of-the-parent")
			e.Setenv("VALUE", `sk-test-/+"9fK2mQ7xT4vB8nL1cZ`) // every escape has something to do
			e.Setenv("DBUS_SESSION_BUS_ADDRESS", nowhere)      // not that of whoever tests
			e.Cd = filepath.Join(e.WorkDir, "project")
			shapes, err := readShapes("../../docs/json.md")
			if err != nil {
				return err
			}
			e.Values["shapes"] = shapes
			return os.MkdirAll(e.Cd, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tab":        pressTab,
			"plain":      isPlain,
			"json":       outputsJSON,
			"documented": filesDocumented,
			"proposals":  askForProposals,
			"code":       exitsWith,
			"waitfor":    waitFor,
			"dialog":     dialog,
			"absent":     absent,
			"visible":    isVisible,
			"keychain":   startKeychain,
			"readvar":    readVar,
			"freeport":   freePort,
			"ordinary":   ordinary,
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "keyring":
				return keyring.Keyring{}.Usable() == nil, nil
			case "root": // who may run a program as another user
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		RequireExplicitExec: true,
	})
}

// plainOrigin is the same over http.
func plainOrigin() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = os.WriteFile(os.Args[1], []byte(fmt.Sprint(l.Addr().(*net.TCPAddr).Port)), 0o600)
	}
	if err == nil {
		err = http.Serve(l, http.HandlerFunc(echo))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// tlsOrigin is an HTTPS origin that echoes, as a program: it writes its root
// certificate and, when it listens, its port to the files in its arguments.
func tlsOrigin() {
	if err := serveOrigin(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// connectProxy is another forward proxy, as a program: it notes what it is
// asked for, and writes its port to a file; it wants USER:PASSWORD.
func connectProxy() {
	asked, portFile := os.Args[1], os.Args[2]
	user, password, _ := strings.Cut(os.Args[3], ":")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = os.WriteFile(portFile, []byte(fmt.Sprint(l.Addr().(*net.TCPAddr).Port)), 0o600)
	}
	if err == nil {
		err = http.Serve(l, &lab.Parent{User: user, Password: password, Asked: func(authority string) {
			f, err := os.OpenFile(asked, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err == nil {
				_, _ = fmt.Fprintln(f, authority)
				_ = f.Close()
			}
		}})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func serveOrigin(caFile, portFile string) error {
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return err
	}
	if err := os.WriteFile(caFile, authority.PEM(), 0o600); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := os.WriteFile(portFile, []byte(fmt.Sprint(port)), 0o600); err != nil {
		return err
	}
	srv := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(echo), TLSConfig: &tls.Config{
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return authority.Leaf(h.ServerName) },
	}}
	return srv.ServeTLS(l, "", "")
}

// echo says what it was sent; /slow after a while. What only it can know, whether the value arrived,
// it says by its length, which comes back as it is.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/slow" {
		time.Sleep(700 * time.Millisecond)
	}
	switch r.URL.Path {
	case "/raw": // what was sent, byte for byte
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(body)
		return
	case "/begun": // so that it can be seen to be under way
		_, _ = io.WriteString(w, "begun\n")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(700 * time.Millisecond)
	case "/silent", "/silent-json": // no answer, until the client leaves
		<-r.Context().Done()
		return
	case "/endless": // until the client leaves
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "more\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
		return
	case "/404":
		http.Error(w, "no such thing", http.StatusNotFound)
		return
	case "/cut":
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "a part")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "body": string(body), "type": r.Header.Get("Content-Type"),
		"x_org": r.Header.Get("X-Org"), "x_plain": r.Header.Get("X-Plain"),
		"authorization": r.Header.Get("Authorization"), "authorization_length": len(r.Header.Get("Authorization")),
	})
}
