package clients_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Everything that a session writes is kept in files under one folder, and searched
// for its values by a program of another language, with encoders of its own.

// secretValue is a value, and the part of it that is random.
type secretValue struct {
	Value string `json:"value"`
	Core  string `json:"core"`
}

// session is a user's machine on which all is written down: what commands say,
// and the arguments and variables of every process that it starts.
type session struct {
	*world
	values map[string]secretValue // one for each place
	hosts  []string               // that lead to origins
	flags  []string               // lead to the origins
	number int
	watch  chan struct{}
	watchs sync.WaitGroup
	gives  atomic.Bool // our program's own programs are given values, as they are meant to be
}

// newSession has a value for each place, with what every encoding writes in a way
// of its own.
func newSession(t *testing.T) *session {
	t.Helper()
	s := &session{world: newOutside(t, ""), values: map[string]secretValue{}, watch: make(chan struct{})}
	for _, folder := range []string{"said", "processes"} {
		if err := os.Mkdir(s.path(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.write("pw", "correct horse battery staple\n")
	s.watchs.Go(s.watchProcesses)
	t.Cleanup(s.endWatch)
	s.says(0, "", "init", "--workspace", "acme", "--project", "pay", "--password-file", s.path("pw"), "--store", "file")
	for name, place := range map[string]string{"HEADER_KEY": "header", "QUERY_KEY": "query", "PATH_KEY": "path", "BODY_KEY": "body"} {
		value, core := newValue("q\"7\\&+/=%é")
		s.values[name] = secretValue{value, core}
		s.says(0, value, "secrets", "set", name, "--stdin", "--in", place)
	}
	s.flags = append(s.flags, "--origin-ca", s.origin.caFile)
	s.leads(apiHost, s.origin.port)
	return s
}

// leads has host lead to a port of this machine.
func (s *session) leads(host string, port int) {
	s.hosts = append(s.hosts, host)
	s.flags = append(s.flags, "--resolve", fmt.Sprintf("%s:443:127.0.0.1:%d", host, port))
}

// allows lets values go to the hosts that lead somewhere, and more.
func (s *session) allows(more ...string) {
	s.t.Helper()
	args := append([]string{"workspace", "allowlist", "add", "--password-file", s.path("pw")}, s.hosts...)
	s.says(0, "", append(args, more...)...)
}

// says runs the binary, which must end with a code (-1: any), and keeps all that it says.
func (s *session) says(code int, stdin string, args ...string) string {
	s.t.Helper()
	return s.runs(code, stdin, s.command(binary, args...))
}

func (s *session) runs(code int, stdin string, cmd *exec.Cmd) string {
	s.t.Helper()
	s.number++
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	if time.Since(began) > patience {
		s.t.Fatalf("%s does not end", strings.Join(cmd.Args, " "))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	if got := cmd.ProcessState.ExitCode(); code >= 0 && got != code {
		s.t.Fatalf("%s ended with %d, want %d:\n%s%s", strings.Join(cmd.Args, " "), got, code, stdout.String(), stderr.String())
	}
	for stream, b := range map[string]*bytes.Buffer{"stdout": &stdout, "stderr": &stderr} {
		s.write(fmt.Sprintf("said/%03d-%s-%s", s.number, filepath.Base(cmd.Args[min(1, len(cmd.Args)-1)]), stream), b.String())
	}
	return stdout.String() + stderr.String()
}

// watchProcesses keeps arguments and variables of whatever has our home in either.
func (s *session) watchProcesses() {
	kept := map[string]int{}
	for {
		select {
		case <-s.watch:
			return
		case <-time.After(20 * time.Millisecond):
		}
		all, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range all {
			gives := s.gives.Load()
			arguments, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			variables, _ := os.ReadFile(filepath.Join(dir, "environ")) // of ours it may not be read, by nobody but root
			if pid, _ := strconv.Atoi(filepath.Base(dir)); pid == os.Getpid() || !bytes.Contains(arguments, []byte(binary)) && !bytes.Contains(variables, []byte(s.dir)) {
				continue
			}
			all := append(append(arguments, '\n'), variables...)
			file := filepath.Base(dir)
			if exe, err := os.Readlink(filepath.Join(dir, "exe")); (gives || s.gives.Load()) && (err != nil || exe != binary) {
				continue // a program that has been given values, or is gone
			}
			if kept[file] == len(all) {
				continue
			}
			kept[file] = len(all)
			_ = os.WriteFile(s.path("processes", file+"-"+strconv.Itoa(len(all))), all, 0o600)
		}
	}
}

func (s *session) endWatch() {
	select {
	case <-s.watch:
	default:
		close(s.watch)
	}
	s.watchs.Wait()
}

// written is what the search says.
type written struct {
	Forms map[string]int
	Read  []string
	Found [][3]string // path, name, form
}

func (s *session) search(mode string) written {
	s.t.Helper()
	values, err := json.Marshal(s.values)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(python(s.t), script(s.t, "search.py"), mode, s.dir)
	cmd.Stdin, cmd.Env = bytes.NewReader(values), append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, stderr.String())
	}
	var w written
	if err := json.Unmarshal(out, &w); err != nil {
		s.t.Fatal(err)
	}
	return w
}

// nothingWritten holds that no form of a value is in anything that was written, and
// that the same search finds one in each of the same files once it is put there.
// want are parts of paths that have to be among what is searched.
func (s *session) nothingWritten(want ...string) {
	s.t.Helper()
	s.endWatch()
	s.runs(0, "", s.command("sh", "-c", `cat "$AGENTSECRETS_HOME"/*.log "$AGENTSECRETS_HOME"/audit/*.jsonl | gzip >"$TMPDIR/rotated.log.gz"`, "sh"))
	w := s.search("search")
	for _, f := range w.Found {
		s.t.Errorf("%s holds %s, in the form %s", strings.TrimPrefix(f[0], s.dir), f[1], f[2])
	}
	for name := range s.values {
		if w.Forms[name] < 12 {
			s.t.Errorf("%d forms of %s were searched for", w.Forms[name], name)
		}
	}
	all := strings.Join(w.Read, "\n")
	for _, part := range want {
		if !strings.Contains(all, part) {
			s.t.Errorf("%s was not searched, only\n%s", part, all)
		}
	}
	planted, found := s.search("plant"), map[string]bool{}
	for _, f := range planted.Found {
		found[f[0]] = true
	}
	for _, path := range planted.Read {
		if !found[path] {
			s.t.Errorf("a value in %s is not found", path)
		}
	}
	if len(planted.Read) != len(w.Read) {
		s.t.Errorf("%d files were searched, and %d have one planted", len(w.Read), len(planted.Read))
	}
}

// listens has serve speak to what connects to a port of this machine.
func (s *session) listens(serve func(net.Conn)) (port int) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}
