package clients_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/trace"
)

// With the value in hand, look for it in a client that has made its call and
// lives on: environment, arguments, memory, the files around it, the proxy's
// own metrics.
func TestMemory(t *testing.T) {
	w := newWorld(t, `q"7\&+/=%`)
	h := w.hold(w.intercepted(python(t), script(t, "hold.py"), w.origin.url(apiHost), placeholder))
	if got := w.origin.last("/header").Header.Get("Authorization"); got != "Bearer "+w.value {
		t.Fatalf("the origin got %q, want the value", got)
	}
	env := h.file("environ")
	if !strings.Contains(env, "\x00"+name+"="+placeholder+"\x00") {
		t.Error("the client's environment does not hold the placeholder under the secret's name")
	}
	for what, text := range map[string]string{
		"environment": env, "arguments": h.file("cmdline"), "metrics": metrics(t, env), "memory": "",
	} {
		forms := w.trace.Forms([]byte(text))
		if what == "memory" {
			forms = h.memory(w.trace)
		}
		if forms != nil {
			t.Errorf("the client's %s holds the value: %s", what, forms)
		}
	}
	for _, found := range w.files(w.dir) {
		t.Errorf("while the client runs, a file holds the value: %s", found)
	}
	r := h.end()
	if !strings.Contains(r.stdout, "Bearer "+marker) {
		t.Errorf("the client saw no marker:\n%s", r.stdout)
	}
	w.clean(r)
}

// The control of TestMemory: the same program with the value itself.
func TestMemoryWithoutUs(t *testing.T) {
	w := newOutside(t, "")
	h := w.hold(w.direct(python(t), script(t, "hold.py"), w.origin.url("localhost"), w.value))
	if h.memory(w.trace) == nil {
		t.Error("the search does not find the value in the memory of a client that holds it")
	}
	if w.trace.Forms([]byte(h.file("cmdline"))) == nil {
		t.Error("the search does not find the value in arguments")
	}
	if r := h.end(); w.trace.Forms([]byte(r.stdout)) == nil {
		t.Error("the search does not find the value in the output")
	}
}

// held is a client that waits for a line before it exits.
type held struct {
	t              *testing.T
	pid            int
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr bytes.Buffer
	rest           io.Reader // what stands unread on standard output
}

// hold starts cmd and waits until it says "pid N".
func (w *world) hold(cmd *exec.Cmd) *held { return w.holdAfter(cmd, "") }

// holdAfter is hold of a program that is told something first.
func (w *world) holdAfter(cmd *exec.Cmd, told string) *held {
	w.t.Helper()
	h := &held{t: w.t, cmd: cmd}
	cmd.Stderr = &h.stderr
	var err error
	if h.stdin, err = cmd.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.WriteString(h.stdin, told); err != nil {
		w.t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	h.rest = lines
	for {
		line, err := lines.ReadString('\n')
		h.stdout.WriteString(line)
		if err != nil {
			cmd.Wait()
			w.t.Fatalf("the client ended early: %v\nstdout:\n%s\nstderr:\n%s", err, h.stdout.String(), h.stderr.String())
		}
		if pid, ok := strings.CutPrefix(line, "pid "); ok {
			if h.pid, err = strconv.Atoi(strings.TrimSpace(pid)); err != nil {
				w.t.Fatal(err)
			}
			return h
		}
	}
}

// end lets the client go.
func (h *held) end() result {
	h.t.Helper()
	fmt.Fprintln(h.stdin)
	if _, err := io.Copy(&h.stdout, h.rest); err != nil {
		h.t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		h.t.Fatalf("the client: %v\n%s", err, h.stderr.String())
	}
	return result{h.stdout.String(), h.stderr.String()}
}

// file reads one of the client's files under /proc.
func (h *held) file(name string) string {
	h.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", h.pid, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// memory searches everything that the client has mapped.
func (h *held) memory(tr trace.Trace) (found []string) {
	h.t.Helper()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", h.pid))
	if err != nil {
		h.t.Fatal(err)
	}
	defer mem.Close()
	var searched int64
	for line := range strings.Lines(h.file("maps")) {
		var from, to int64
		var perm string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &perm); err != nil || perm[0] != 'r' {
			continue // the kernel's own page at the top does not fit into an int64
		}
		if strings.Contains(line, "[vvar") {
			continue // the kernel's clock, which can't be read this way
		}
		n, forms := search(tr, io.NewSectionReader(mem, from, to-from))
		searched += n
		if forms != nil {
			found = append(found, fmt.Sprintf("%s in %s", forms, strings.TrimSpace(line)))
		}
	}
	if searched < 4<<20 {
		h.t.Fatalf("only %d bytes of the client's memory could be read", searched)
	}
	return found
}

// search reads src to its end, or to the first page that can't be read, in
// pieces that overlap by more than a form is long.
func search(tr trace.Trace, src io.Reader) (read int64, found []string) {
	keep := tr.Longest()
	buf := make([]byte, 0, 1<<20)
	for {
		n, err := io.ReadFull(src, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		read += int64(n)
		found = append(found, tr.Forms(buf)...)
		if err != nil {
			return read, found
		}
		buf = append(buf[:0], buf[len(buf)-keep:]...)
	}
}

// metrics asks the run's own proxy, which the client's environment names.
func metrics(t *testing.T, env string) string {
	t.Helper()
	_, proxy, ok := strings.Cut("\x00"+env, "\x00HTTPS_PROXY=")
	if !ok {
		t.Fatal("the client's environment names no proxy")
	}
	proxy, _, _ = strings.Cut(proxy, "\x00")
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + u.Host + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(`agentsecrets_expansions_total{place="header"} 1`)) {
		t.Errorf("metrics do not count the expansion: %s, %s", resp.Status, b)
	}
	return string(b)
}
