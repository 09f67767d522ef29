package clients_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// An SDK that starts the proxy reads what it says to the end: the proxy must
// hold neither pipe open.
func TestStartFromPython(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	t.Cleanup(w.stopProxy)
	for _, said := range []string{"The proxy runs on", "runs already"} {
		r := w.run(w.command(python(t), script(t, "start.py"), binary, "--port", "0"), "")
		if !strings.Contains(r.stdout, "code 0\n") || !strings.Contains(r.stdout, said) {
			t.Errorf("want %q:\n%s", said, r.stdout)
		}
	}
}

// Node without any of our files, by code of its own.
func TestNodeByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	port := w.startProxy()
	w.write("bundle.pem", w.agentsecrets("", "ca", "bundle").stdout)
	cmd := w.command("node", script(t, "connect.mjs"), w.origin.url(apiHost), placeholder)
	cmd.Env = append(cmd.Env, fmt.Sprintf("HTTPS_PROXY=http://127.0.0.1:%d", port), "NODE_EXTRA_CA_CERTS="+w.path("bundle.pem"))
	r := w.run(cmd, "")
	if got := w.origin.last("/header").Header.Get("Authorization"); got != "Bearer "+w.value {
		t.Errorf("the origin got %q", got)
	}
	if !strings.HasPrefix(r.stdout, "200 Bearer "+marker) {
		t.Errorf("Node shows %s", r.stdout)
	}
	w.clean(r)
}

// through is a client with the credential that a shell in dir would get.
func (w *world) through(dir string) *http.Client {
	w.t.Helper()
	cmd := w.command(binary, "proxy", "env", "--output", "json")
	cmd.Dir = w.path(dir)
	var vars struct{ Set map[string]string }
	if err := json.Unmarshal([]byte(w.run(cmd, "").stdout), &vars); err != nil {
		w.t.Fatal(err)
	}
	proxy, err := url.Parse(vars.Set["HTTPS_PROXY"])
	if err != nil || proxy.User == nil {
		w.t.Fatalf("HTTPS_PROXY is %v, %v", proxy, err)
	}
	pem, err := os.ReadFile(vars.Set["SSL_CERT_FILE"])
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		w.t.Fatal("no roots: ", err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// Reloading ends no connection: an event stream of ten seconds goes on to its
// end, and a connection that is kept open is used again, under the new policy.
func TestReloadKeepsConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.startProxy()
	kept, streaming := w.through("project"), w.through("project")
	if status, _ := w.get(t, kept, "/kept"); status != 200 {
		t.Fatalf("status %d", status)
	}
	resp, err := streaming.Get(w.origin.url(apiHost) + "/ten-seconds")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewScanner(resp.Body)
	count := 0
	for events.Scan() {
		count++
		switch count {
		case 2:
			w.agentsecrets("", "proxy", "reload")
		case 4:
			w.agentsecrets("", "workspace", "allowlist", "remove", fmt.Sprintf("%s:%d", apiHost, w.origin.port), "--password-file", w.path("pw"))
			w.agentsecrets("", "proxy", "reload")
			if status, reused := w.get(t, kept, "/kept"); status != 403 || !reused {
				t.Errorf("after a rule was taken away: status %d, on the same connection: %v", status, reused)
			}
		}
	}
	if err := events.Err(); err != nil || count != 20 {
		t.Errorf("%d events, %v", count, err)
	}
}

// get reports whether it was made on a connection that was open already.
func (w *world) get(t *testing.T, client *http.Client, path string) (status int, reused bool) {
	t.Helper()
	req, err := http.NewRequest("GET", w.origin.url(apiHost)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+placeholder)
	req = req.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
	}))
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, reused
}

// call is one exchange of TestNothingIsMixedUp, as its client saw it.
type call struct {
	nonce, answered, echo string
	begun, ended          int64 // Unix time in nanoseconds
}

// term is when an environment may have been the project's: from the moment when
// somebody set out to switch to it until somebody had switched to the next.
type term struct {
	value    string
	from, to int64
}

// Two projects in two workspaces have a secret of the same name, one of them in
// two environments that are switched all the time. Programs that come by their
// directory and by credentials call through one proxy: each exchange must have
// gone out with the value of its own project, in an environment that was the
// project's meanwhile, and come back to who made it.
func TestNothingIsMixedUp(t *testing.T) {
	const programs, goroutines, each = 20, 20, 60
	w := newWorld(t, "")
	staging, _ := newValue("")
	shop, _ := newValue("")
	w.agentsecrets(staging, "secrets", "set", name, "--stdin", "--environment", "staging")
	w.newShop(shop)
	port := w.startProxy()
	w.write("bundle.pem", w.agentsecrets("", "ca", "bundle").stdout)

	var mu sync.Mutex
	var calls []call
	keep := func(c ...call) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, c...)
	}
	var clients sync.WaitGroup
	for i := range programs {
		clients.Go(func() { keep(w.program(port, i, each)...) })
	}
	byProject := map[string]*http.Client{"project": w.through("project"), "shop": w.through("shop")}
	for i := range goroutines {
		clients.Go(func() {
			dir := dirOf(i)
			for n := range each {
				c, err := w.mixed(byProject[dir], fmt.Sprintf("%s-goroutine%d-%d", dir, i, n))
				if err != nil {
					t.Error(err)
					return
				}
				keep(c)
			}
		})
	}
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	terms := w.switching(done, w.value, staging)
	if want := (programs + goroutines) * each; len(calls) != want {
		t.Fatalf("%d calls came back, want %d", len(calls), want)
	}
	w.checkMixed(calls, terms, shop)
	t.Logf("%d exchanges, %d switches of environment", len(calls), len(terms)-1)
}

func dirOf(i int) string { return []string{"project", "shop"}[i%2] }

// newShop makes a second project, in a workspace of its own.
func (w *world) newShop(value string) {
	w.t.Helper()
	if err := os.Mkdir(w.path("shop"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"init", "--workspace", "globex", "--project", "shop", "--password-file", w.path("pw"), "--store", "file"}},
		{value, []string{"secrets", "set", name, "--stdin"}},
		{"", []string{"workspace", "allowlist", "add", "--password-file", w.path("pw"), fmt.Sprintf("%s:%d", apiHost, w.origin.port)}},
	} {
		cmd := w.command(binary, c.args...)
		cmd.Dir = w.path("shop")
		w.run(cmd, c.stdin)
	}
}

// program is an unmodified client that works in one of the projects.
func (w *world) program(port, i, count int) []call {
	dir := dirOf(i)
	cmd := w.command(python(w.t), script(w.t, "mixed.py"), w.origin.url(apiHost), placeholder, fmt.Sprintf("%s-program%d", dir, i), fmt.Sprint(count))
	cmd.Dir = w.path(dir)
	cmd.Env = append(cmd.Env, fmt.Sprintf("HTTPS_PROXY=http://127.0.0.1:%d", port), "REQUESTS_CA_BUNDLE="+w.path("bundle.pem"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Errorf("program %d: %v\n%s", i, err, out)
		return nil
	}
	var calls []call
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 5 {
			w.t.Errorf("program %d says %q", i, line)
			continue
		}
		c := call{nonce: f[0], answered: f[3], echo: f[4]}
		fmt.Sscan(f[1], &c.begun)
		fmt.Sscan(f[2], &c.ended)
		calls = append(calls, c)
	}
	return calls
}

func (w *world) mixed(client *http.Client, nonce string) (call, error) {
	c := call{nonce: nonce, begun: time.Now().UnixNano()}
	req, err := http.NewRequest("GET", w.origin.url(apiHost)+"/mixed", nil)
	if err != nil {
		return c, err
	}
	req.Header.Set("Authorization", "Bearer "+placeholder)
	req.Header.Set("X-Nonce", nonce)
	resp, err := client.Do(req)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	var body struct{ Headers http.Header }
	err = json.NewDecoder(resp.Body).Decode(&body)
	c.ended, c.answered, c.echo = time.Now().UnixNano(), body.Headers.Get("X-Nonce"), body.Headers.Get("Authorization")
	return c, err
}

// switching switches the first project's environment to and fro until done.
func (w *world) switching(done <-chan struct{}, development, staging string) []term {
	terms := []term{{value: development}}
	for i := 0; ; i++ {
		select {
		case <-done:
			terms[len(terms)-1].to = time.Now().UnixNano()
			return terms
		default:
		}
		next := term{staging, time.Now().UnixNano(), 0}
		environment := "staging"
		if i%2 == 1 {
			next.value, environment = development, "development"
		}
		w.agentsecrets("", "environment", "switch", environment)
		terms[len(terms)-1].to = time.Now().UnixNano()
		terms = append(terms, next)
	}
}

// checkMixed compares what clients saw with what the origin got.
func (w *world) checkMixed(calls []call, terms []term, shop string) {
	t := w.t
	t.Helper()
	got := map[string]string{}
	for _, r := range w.origin.seen["/mixed"] {
		nonce := r.Header.Get("X-Nonce")
		if _, twice := got[nonce]; twice {
			t.Errorf("%s: the origin got it twice", nonce)
		}
		got[nonce] = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	used := map[string]int{}
	for _, c := range calls {
		value := got[c.nonce]
		used[value]++
		switch {
		case c.answered != c.nonce:
			t.Errorf("%s got the answer to %s", c.nonce, c.answered)
		case !strings.HasPrefix(c.echo, "Bearer "+marker):
			t.Errorf("%s: the echo is not redacted", c.nonce)
		case strings.HasPrefix(c.nonce, "shop") && value != shop:
			t.Errorf("%s went out with another project's value", c.nonce)
		case strings.HasPrefix(c.nonce, "project") && !current(terms, c, value):
			t.Errorf("%s went out with a value that was not its environment's", c.nonce)
		}
	}
	for _, value := range []string{shop, terms[0].value, terms[1].value} {
		if used[value] == 0 {
			t.Error("one of the values was never used")
		}
	}
}

// current reports whether value was the environment's at any time of c.
func current(terms []term, c call, value string) bool {
	for _, m := range terms {
		if m.value == value && c.begun <= m.to && c.ended >= m.from {
			return true
		}
	}
	return false
}

// One proxy, two ways to be at fault: the control of the check above.
func TestCurrent(t *testing.T) {
	terms := []term{{"a", 0, 10}, {"b", 8, 20}, {"a", 18, 30}}
	for _, c := range []struct {
		value        string
		begun, ended int64
		want         bool
	}{{"a", 1, 2, true}, {"b", 1, 2, false}, {"b", 7, 9, true}, {"a", 9, 9, true}, {"a", 12, 15, false}, {"a", 15, 19, true}, {"b", 25, 26, false}} {
		if got := current(terms, call{begun: c.begun, ended: c.ended}, c.value); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// The six styles of /proxy, by curl, and bodies of unknown length both ways as
// they come.
func TestProxyContractByCurl(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	port := w.startProxy()
	at := fmt.Sprintf("http://localhost:%d/proxy", port)
	ask := func(target string, args ...string) {
		argv := append([]string{"-sS", "--fail-with-body", at, "-H", "X-AS-Target-URL: " + w.origin.url(apiHost) + target}, args...)
		w.clean(w.run(w.command("curl", argv...), ""))
	}
	ask("/bearer", "-H", "X-AS-Inject-Bearer: "+name, "-H", "X-AS-Method: PROPFIND")
	ask("/basic", "-H", "X-AS-Inject-Basic: "+name)
	ask("/header", "-H", "X-AS-Inject-Header-X-Api-Key: "+name)
	ask("/query?Key=old", "-H", "X-AS-Inject-Query-key: "+name, "-H", "X-AS-Inject-Query-1: "+name+"; as=apiKey")
	ask("/body", "-H", "X-AS-Inject-Body-client.Secret: "+name, "--json", `{"client":{"secret":"x"},"n":1}`)
	ask("/form", "-H", "X-AS-Inject-Form-1: "+name+"; as=client_secret", "-d", "grant_type=client_credentials")
	o := w.origin
	for what, pair := range map[string][2]string{
		"method": {o.last("/bearer").Method, "PROPFIND"},
		"bearer": {o.last("/bearer").Header.Get("Authorization"), "Bearer " + w.value},
		"basic":  {o.last("/basic").Header.Get("Authorization"), "Basic " + base64Of(w.value)},
		"header": {o.last("/header").Header.Get("X-Api-Key"), w.value},
		"query":  {o.last("/query").URL.RawQuery, "Key=" + url.QueryEscape(w.value) + "&apiKey=" + url.QueryEscape(w.value)},
		"body":   {string(o.last("/body").body), `{"client":{"secret":"` + w.value + `"},"n":1}`},
		"form":   {string(o.last("/form").body), "grant_type=client_credentials&client_secret=" + url.QueryEscape(w.value)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: the origin got %q", what, strings.ReplaceAll(pair[0], w.value, "VALUE"))
		}
	}

	cmd := w.command("curl", "-sSN", "-T", ".", at, "-H", "X-AS-Method: POST", "-H", "Expect:",
		"-H", "X-AS-Target-URL: "+w.origin.url(apiHost)+"/lines", "-H", "X-AS-Inject-Bearer: "+name)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(out)
	for _, line := range []string{"one\n", "two\n", "three\n"} { // none is written before the answer to the last has come
		io.WriteString(in, line)
		if got, err := answers.ReadString('\n'); got != "got "+line {
			t.Fatalf("%q, %v", got, err)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	w.stays(filepath.Join("home", "proxy.log"))
}

// stays holds that a file is there and nobody else's.
func (w *world) stays(file string) {
	w.t.Helper()
	if info, err := os.Stat(w.path(file)); err != nil || info.Mode().Perm() != 0o600 {
		w.t.Errorf("%s: %v, %v", file, info, err)
	}
}
