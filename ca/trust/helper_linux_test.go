package trust

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/ca"
)

// helperEnv makes the test binary a process that installs the root it holds in one store, for one that runs as
// somebody else or on a terminal.
const helperEnv = "TRUST_TEST"

func TestMain(m *testing.M) {
	store, data, _ := strings.Cut(os.Getenv(helperEnv), "\n")
	if store == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or every process that we start waits a second at its end
		goleak.VerifyTestMain(m)
	}
	report, err := Install(context.Background(), Config{PEM: []byte(data), Stores: []string{store}})
	answer := map[string]any{"report": report}
	var e *Error
	if errors.As(err, &e) {
		answer["error"], answer["hint"] = e.Error(), e.Hint()
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func helper(store string, a *ca.Authority) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe") // another user may not find it by its name
	cmd.Env = append(os.Environ(), helperEnv+"="+store+"\n"+string(a.PEM()))
	cmd.Dir = "/"
	return cmd
}

// rounds does everything twice in a store with one place that may be changed. asked looks without us.
func rounds(t *testing.T, c Config, asked func() bool) {
	t.Helper()
	for _, step := range []struct {
		do     func(context.Context, Config) (Report, error)
		state  string
		really bool
	}{
		{Status, Absent, false},
		{Uninstall, Absent, false},
		{Install, Installed, true},
		{Install, Installed, true},
		{Status, Installed, true},
		{Uninstall, Absent, false},
		{Uninstall, Absent, false},
		{Status, Absent, false},
	} {
		report, err := step.do(context.Background(), c)
		want(t, report, err, step.state)
		if got := asked(); got != step.really {
			t.Fatalf("reported as %s; really there: %v", step.state, got)
		}
	}
}

// origin serves host with a leaf of a, and returns how to reach it.
func origin(t *testing.T, a *ca.Authority, host string) (url, resolve string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }),
		ReadTimeout: 10 * time.Second,
		ErrorLog:    log.New(io.Discard, "", 0), // clients that refuse the leaf
		TLSConfig:   &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.Leaf(host) }},
	}
	go s.ServeTLS(l, "", "")
	t.Cleanup(func() { s.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	return fmt.Sprintf("https://%s:%d/", host, port), fmt.Sprintf("%s:%d:127.0.0.1", host, port)
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
