package probe

import (
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Every probe is told where to ask and with what, by one name; no program is left over.
func TestTable(t *testing.T) {
	names, used, dir := map[string]bool{}, map[string]bool{}, t.TempDir()
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	for _, p := range All() {
		if names[p.Name] || p.Name == "" || p.Client == "" || len(p.Programs) == 0 {
			t.Errorf("%+v", p)
		}
		names[p.Name], used[p.file] = true, true
		argv := p.Argv("/bin/program", dir, "https://api.acme.test/"+p.Name, "AS_SECRET_KEY")
		line := strings.Join(argv, " ")
		if !strings.Contains(line, "/bin/program") || !strings.Contains(line, "https://api.acme.test/"+p.Name) || !strings.Contains(line, "AS_SECRET_KEY") || strings.Contains(p.file+line, "{program}") {
			t.Errorf("%s is started by %q", p.Name, argv)
		}
		for _, word := range argv {
			if !strings.HasPrefix(word, dir) {
				continue
			}
			used[filepath.Base(word)] = true // the script that starts it
			if _, err := os.Stat(word); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
	}
	files, err := fs.ReadDir(programs, "programs")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !used[f.Name()] {
			t.Errorf("%s is of no probe", f.Name())
		}
		text, err := programs.ReadFile("programs/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if lower := strings.ToLower(string(text)); strings.Contains(lower, "agentsecrets") || strings.Contains(lower, "proxy") {
			t.Errorf("%s knows of us", f.Name())
		}
	}
	if len(names) < 60 {
		t.Errorf("%d probes", len(names))
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	p := Probe{Programs: []string{"first", "second"}}
	if got := p.Find(dir); got != "" {
		t.Errorf("found %q in an empty directory", got)
	}
	for _, name := range []string{"second", "first"} {
		want := filepath.Join(dir, name)
		if err := os.WriteFile(want, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got := p.Find("/nonexistent" + string(os.PathListSeparator) + dir); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	t.Chdir(filepath.Dir(dir))
	if got := p.Find(filepath.Base(dir)); got != "" {
		t.Errorf("found %q under the working directory", got)
	}
}

// stand is an Origin that writes down what came, and the file of its certificate.
type stand struct {
	url, ca string
	mu      sync.Mutex
	seen    []Request
}

func newStand(t *testing.T) *stand {
	s := &stand{ca: filepath.Join(t.TempDir(), "ca.pem")}
	server := httptest.NewUnstartedServer(Origin{Seen: func(r Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, r)
	}})
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url = server.URL
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(s.ca, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// ask runs a probe against s without a proxy.
func (s *stand) ask(t *testing.T, p Probe) (stdout string, code int) {
	t.Helper()
	program := p.Find(os.Getenv("PATH"))
	if program == "" {
		t.Fatalf("%s: none of %q is here", p.Name, p.Programs)
	}
	dir := t.TempDir()
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	argv := p.Argv(program, dir, s.url+"/"+p.Name, "sk-value")
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Stderr = t.TempDir(), t.Output()
	for _, v := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"} {
		cmd.Env = append(cmd.Env, v+"="+s.ca)
	}
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.Output()
	if status := (*exec.ExitError)(nil); err != nil && !errors.As(err, &status) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Without a proxy a probe shows the value itself: what it prints is what came.
func TestProbesShowTheAnswer(t *testing.T) {
	for _, p := range All() {
		if !slices.Contains([]string{"curl", "curl-http1", "git", "python-urllib", "node-fetch", "node-http2"}, p.Name) {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			if out, code := s.ask(t, p); code != 0 || !strings.Contains(out, "sk-value") {
				t.Errorf("ends with %d and prints %q", code, out)
			}
			if len(s.seen) == 0 || s.seen[0].Probe != p.Name || s.seen[0].Credential != "sk-value" {
				t.Errorf("the origin got %+v", s.seen)
			}
			if http2 := p.Name == "curl" || p.Name == "git" || p.Name == "node-http2"; len(s.seen) > 0 && (s.seen[0].Proto == "HTTP/2.0") != http2 {
				t.Errorf("it spoke %s", s.seen[0].Proto)
			}
		})
	}
}

// sdk is a dotnet with two SDKs, of which the newer compiles, in a path with a blank.
const sdk = `#!/bin/sh
case $1 in
--list-runtimes)
	printf 'Microsoft.AspNetCore.App 9.0.1 [%s/web]\nMicrosoft.NETCore.App 8.0.4 [%s]\nMicrosoft.NETCore.App 9.0.1 [%s]\n' "$HERE" "$HERE" "$HERE" ;;
--list-sdks)
	printf '8.0.100 [%s/sdk]\n9.0.102 [%s/sdk]\n9.0.103-preview.1 [%s/sdk]\n' "$HERE" "$HERE" "$HERE" ;;
"$HERE/sdk/9.0.102/Roslyn/bincore/csc.dll")
	grep -qxF -- "-r:\"$HERE/9.0.1/System.Net.Http.dll\"" references && cp "$7" probe.dll ;;
probe.dll)
	grep -q '"Microsoft.NETCore.App", "version": "9.0.1"' probe.runtimeconfig.json && grep -o 'new HttpClient()' probe.dll && echo "$2 $3" ;;
esac
`

// What compiles is the newest SDK, for the newest runtime; a runtime by itself is no failure.
// No SDK runs here.
func TestDotnetIsCompiledFor(t *testing.T) {
	t.Parallel()
	here := filepath.Join(t.TempDir(), "Program Files")
	if err := errors.Join(os.MkdirAll(filepath.Join(here, "9.0.1"), 0o700), os.WriteFile(filepath.Join(here, "9.0.1", "System.Net.Http.dll"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		probe, program, text, want string
		code                       int
	}{
		{"dotnet-httpclient", "dotnet", sdk, "new HttpClient()\nhttps://api.acme.test/dotnet-httpclient AS_SECRET_KEY\n", 0},
		{"dotnet-httpclient", "dotnet", strings.Replace(sdk, "--list-sdks)", "--none)", 1), "", Absent},
		{"dotnet-httpclient", "dotnet", strings.Replace(sdk, "&& cp", "&& false", 1), "", Absent},
		{"mono-httpclient", "mono", "#!/bin/sh\n", "", Absent},
	} {
		program, dir := filepath.Join(here, c.program), t.TempDir()
		if err := errors.Join(os.WriteFile(program, []byte(c.text), 0o700), Unpack(dir)); err != nil {
			t.Fatal(err)
		}
		p := All()[slices.IndexFunc(All(), func(p Probe) bool { return p.Name == c.probe })]
		argv := p.Argv(program, dir, "https://api.acme.test/"+p.Name, "AS_SECRET_KEY")
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		cmd.Env, cmd.Stderr = []string{"HERE=" + here, "PATH=" + uncompiled(t), "TMPDIR=" + t.TempDir()}, t.Output()
		out, err := cmd.Output()
		if status := (*exec.ExitError)(nil); err != nil && !errors.As(err, &status) {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != c.code || string(out) != c.want {
			t.Errorf("%s: ends with %d and prints %q", c.probe, code, out)
		}
	}
}

// uncompiled is a PATH with what the scripts use, and no compiler.
func uncompiled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"sh", "mktemp", "rm", "sed", "tail", "grep", "cp"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A library that is not there is told from one that does not work.
func TestAbsent(t *testing.T) {
	for _, p := range All() {
		if p.Name != "python-httplib2" && p.Name != "node-axios" {
			continue
		}
		for i := range p.argv {
			if p.argv[i] == "{file}" { // without the packages of the machine
				p.argv = slices.Insert(slices.Clone(p.argv), i, "-S")
			}
		}
		s := newStand(t)
		if out, code := s.ask(t, p); code != Absent || out != "" || len(s.seen) > 0 {
			t.Errorf("%s ends with %d and prints %q", p.Name, code, out)
		}
	}
}
