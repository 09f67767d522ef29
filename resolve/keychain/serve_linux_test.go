package keychain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Started by hand it says that it is not for that.
func TestServeHelperWithoutARequest(t *testing.T) {
	for _, in := range []string{"", "\n", "get KEY\n", "{", "[]", strings.Repeat(" ", 2*maxMessage) + "{}", `{"do":"get","secret":"s3cret"`} {
		var out bytes.Buffer
		err := answerOne(strings.NewReader(in), &out, nil)
		if err == nil || out.Len() > 0 || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%.40q: %v, %q", in, err, out.Bytes())
		}
	}
}

// A request that ends before the answer gets none: whoever asks stays.
func TestServeHelperAlone(t *testing.T) {
	t.Parallel()
	cmd := commandOf(helper(newSession(t, secretservice.Waits), "helper"))
	out, err := feed(t, cmd, `{"do":"get","account":"p1:production:KEY"}`)
	// That it ends is the point: the prompt that it asks with waits for ever.
	if err == nil || len(out) > 0 {
		t.Errorf("%q, %v", out, err)
	}
}

// feed runs a helper with a request that ends.
func feed(t *testing.T, cmd *exec.Cmd, request string) ([]byte, error) {
	t.Helper()
	in, err := input(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, request); err != nil {
		t.Fatal(err)
	}
	if err := in.(*os.File).Close(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Stdin.(*os.File).Close()
	return cmd.Output()
}

// A helper that answered anybody would be a command that prints values.
func TestL4HelperAnswersItsParentOnly(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Unlocked)
	set(t, open(t, Config{Helper: helper(session, "helper")}), ref("KEY"), "value")
	const get = `{"do":"get","account":"p1:production:KEY"}`
	ask := func(cmd *exec.Cmd) string {
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	pipe := commandOf(helper(session, "helper"))
	pipe.Stdin = strings.NewReader(get)
	// A socket of ours that a process between us and the helper hands on.
	between := commandOf(session.Command(append([]string{"sh", "-c", `"$@"; exit`, "sh", "env"}, roleEnv+"=helper", program(), "keychain-helper")...))
	end, err := input(between)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if _, err := io.WriteString(end, get); err != nil {
		t.Fatal(err)
	}
	for what, cmd := range map[string]*exec.Cmd{"a pipe": pipe, "a socket of somebody else": between} {
		if out := ask(cmd); !strings.Contains(out, "for agentsecrets itself") || strings.Contains(out, "as1:") {
			t.Errorf("%s: %q", what, out)
		}
	}
}

// Where values may not be read, they may be set and deleted.
func TestL4HelperThatMayNotRead(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Unlocked)
	s := open(t, Config{Helper: helper(session, "helper in a run")})
	set(t, s, ref("KEY"), "value")
	if v, err := s.Resolve(t.Context(), ref("KEY")); !errors.Is(err, errRefused) || !v.IsZero() {
		t.Errorf("resolve: %v", err)
	}
	expect(t, open(t, Config{Helper: helper(session, "helper")}), ref("KEY"), "value")
	if err := s.Delete(t.Context(), ref("KEY")); err != nil {
		t.Error(err)
	}
}

// While a helper has a value, it is in no command line and no environment.
func TestValuesPassThroughPipesOnly(t *testing.T) {
	t.Parallel()
	const value = "a-value-to-look-for"
	session := newSession(t, secretservice.Bare)
	token := tokenOf(session, "helper")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := open(t, Config{Helper: helper(session, "deaf", token)})
	secret, err := encode("linux", ref("KEY"), resolve.New([]byte(value)))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Set(ctx, ref("KEY"), resolve.New([]byte(value))) }()
	eventually(t, "a helper runs", func() bool { return running(t, token) })
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, _ := os.ReadFile(name) // those of others are not for us
			if bytes.Contains(text, []byte(value)) || bytes.Contains(text, []byte(secret)) {
				t.Errorf("the value is in %s", name)
			}
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a deaf helper kept it")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestServeHelperSaysThatItCannotAnswer(t *testing.T) {
	in, end := io.Pipe()
	go func() { _, _ = io.WriteString(end, `{"do":"nothing"}`) }()
	err := answerOne(in, failing{}, nil)
	_ = end.Close()
	if err == nil {
		t.Error("no error")
	}
}
