package clients_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// way leads a program through the proxy that `proxy start` keeps.
type way struct {
	name string
	// lead makes cmd of argv; port is the proxy's.
	lead func(w *world, port int, argv []string) []string
}

// byEnv is what a user types; the shell is theirs.
var byEnv = way{"proxy env", func(w *world, _ int, argv []string) []string {
	return append([]string{"sh", "-euc", `eval "$("$0" proxy env)"; exec "$@"`, binary}, argv...)
}}

// byHand sets nothing but the proxy and the roots, as documentation of clients says.
var byHand = way{"by hand", func(w *world, port int, argv []string) []string {
	w.write("bundle.pem", w.agentsecrets("", "ca", "bundle").stdout)
	vars := []string{
		"env", fmt.Sprintf("HTTPS_PROXY=http://127.0.0.1:%d", port),
		"SSL_CERT_FILE=" + w.path("bundle.pem"), "REQUESTS_CA_BUNDLE=" + w.path("bundle.pem"),
	}
	return append(vars, argv...)
}}

// startProxy starts the proxy in the background and returns its port.
func (w *world) startProxy() int {
	w.t.Helper()
	args := []string{"proxy", "start", "--port", "0", "--output", "json", "--origin-ca", w.origin.caFile}
	for _, host := range []string{apiHost, openAIHost} {
		args = append(args, "--resolve", fmt.Sprintf("%s:%d:127.0.0.1:%[2]d", host, w.origin.port))
	}
	w.t.Cleanup(w.stopProxy)
	var st struct{ Port int }
	if err := json.Unmarshal([]byte(w.agentsecrets("", args...).stdout), &st); err != nil || st.Port == 0 {
		w.t.Fatal("proxy start does not say its port: ", err)
	}
	return st.Port
}

// forget has the origin begin anew for the next program.
func (o *origin) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.seen)
}

func TestDaemon(t *testing.T) {
	w := newWorld(t, `q"7\&+/=%`)
	port := w.startProxy()
	for _, c := range []struct {
		client, script, host string
		ways                 []way
		check                func(*world, result)
	}{
		{"requests", "requests_calls.py", apiHost, []way{byEnv, byHand}, (*world).called},
		{"aiohttp", "aiohttp_calls.py", apiHost, []way{byEnv}, (*world).called},
		{"OpenAI SDK", "openai_chat.py", openAIHost, []way{byEnv, byHand}, (*world).chatted},
		{"LangChain", "langchain_chat.py", openAIHost, []way{byEnv, byHand}, (*world).chatted},
		{"stripe", "stripe_balance.py", apiHost, []way{byEnv}, (*world).balanced},
	} {
		for _, by := range c.ways {
			t.Run(c.client+" "+by.name, func(t *testing.T) {
				w := *w // whose failures are this test's
				w.t = t
				w.origin.forget()
				argv := by.lead(&w, port, []string{python(t), script(t, c.script), w.origin.url(c.host), placeholder})
				r := w.run(w.command(argv[0], argv[1:]...), "")
				c.check(&w, r)
				w.clean(r)
			})
		}
	}
	w.audited("header:authorization", "header:x-api-key", "query:key", "basic", "body:auth.key", "form:key")
}

func (w *world) called(r result) {
	w.t.Helper()
	w.wentOut(placeholder)
	w.cameBack(r)
}

func (w *world) chatted(r result) {
	w.t.Helper()
	w.asked()
	if !strings.Contains(r.stdout, "plain: You sent Bearer "+marker) || !strings.Contains(r.stdout, "chunk: You sent Bearer "+marker) {
		w.t.Errorf("stdout shows no marker:\n%s", r.stdout)
	}
}

// balanced holds that both ways of the Stripe SDK sent the value.
func (w *world) balanced(r result) {
	w.t.Helper()
	seen := w.origin.seen["/v1/balance"]
	if len(seen) != 2 || seen[0].Header.Get("Authorization") != "Bearer "+w.value || seen[1].Header.Get("Authorization") != "Bearer "+w.value {
		w.t.Errorf("the origin got %d requests, want 2 with the value", len(seen))
	}
	for _, by := range []string{"module", "client"} {
		if !strings.Contains(r.stdout, by+": ['Bearer "+marker) {
			w.t.Errorf("%s: stdout shows no marker:\n%s", by, r.stdout)
		}
	}
}

func TestStripe(t *testing.T) {
	w := newWorld(t, `q"7\&+/=%`)
	r := w.run(w.intercepted(python(t), script(t, "stripe_balance.py"), w.origin.url(apiHost), placeholder), "")
	w.balanced(r)
	w.clean(r)
	w.audited("header:authorization")
}

// The control of TestStripe: the SDK brings its own roots, and without the hook
// it believes none but those.
func TestStripeWithoutTheHook(t *testing.T) {
	w := newWorld(t, "")
	cmd := w.intercepted(python(t), "-E", script(t, "stripe_balance.py"), w.origin.url(apiHost), placeholder)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "CERTIFICATE_VERIFY_FAILED") || len(w.origin.seen) > 0 {
		t.Errorf("without the hook: %v\n%s", err, out)
	}
}
