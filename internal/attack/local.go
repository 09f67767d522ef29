//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// Other processes of this machine: those of another user, and those of one's own
// that should not come in.

func localProbes(w *world) []probe {
	var all []probe
	if !w.options.alone {
		all = append(strangerProbes(w), squatProbe())
	}
	return append(all, ownProbes()...)
}

// doors are the ports where something of ours listens, by a name for verdicts.
func (w *world) doors() map[string]func() (addr, credential string) {
	return map[string]func() (string, string){
		"the run's port":    func() (string, string) { return w.proxy.addr, w.proxy.authorization() },
		"the daemon's port": func() (string, string) { return w.daemon.addr, w.daemon.authorization() },
	}
}

func strangerProbes(w *world) []probe {
	var all []probe
	try := func(name, want string, wish func(*world) wish) {
		all = append(all, probe{name: "another user: " + name, tried: fmt.Sprintf("as user %d", strangerID), want: want,
			do: func(ctx context.Context, w *world) (answer, error) { return w.stranger(ctx, wish(w), nil) }})
	}
	for door, at := range w.doors() {
		for request, head := range map[string][]string{
			"CONNECT":      {"CONNECT " + apiPort + " HTTP/1.1", "Host: " + apiPort},
			"GET https://": {"GET https://" + api + "/ HTTP/1.1", "Host: " + api, authField, "Connection: close"},
			"GET http://":  {"GET http://" + plain + "/ HTTP/1.1", "Host: " + plain, authField, "Connection: close"},
			"GET /proxy":   {"GET /proxy HTTP/1.1", "Host: 127.0.0.1", "X-AS-Target-URL: https://" + api + "/", "X-AS-Inject-Bearer: API_KEY", "Connection: close"},
		} {
			try(request+" at "+door+", no credential", "407", func(*world) wish {
				addr, _ := at()
				return wish{Do: "talk", At: addr, Send: lines(append(head, "")...)}
			})
			try(request+" at "+door+", a stolen credential", "407", func(*world) wish {
				addr, stolen := at()
				return wish{Do: "talk", At: addr, Send: lines(append(head, stolen, "")...)}
			})
		}
		try("GET /metrics at "+door, "text|403|404|407", func(*world) wish {
			addr, _ := at()
			return wish{Do: "talk", At: addr, Send: lines("GET /metrics HTTP/1.1", "Host: 127.0.0.1", "Connection: close", "")}
		})
	}
	for _, file := range []string{"home/identity.txt", "home/vault.age", "home/policy.key", "home/proxy.json", "home/proxy.log", "pw", "project/.agentsecrets/project.json"} {
		try("read "+file, "refused", func(w *world) wish { return wish{Do: "read", At: w.path(file)} })
	}
	for _, dir := range []string{"home", "home/audit", "home/policy", "user", "tmp"} {
		try("list "+dir, "refused", func(w *world) wish { return wish{Do: "list", At: w.path(dir)} })
	}
	try("write into the home", "refused", func(w *world) wish { return wish{Do: "write", At: w.path("home", "x")} })
	try("replace the policy's key", "refused", func(w *world) wish { return wish{Do: "write", At: w.path("home", "policy.key")} })
	try("a hard link to the store", "refused", func(w *world) wish {
		return wish{Do: "link", At: w.path("home", "vault.age"), Send: "/tmp/attack-linked"}
	})
	for _, request := range []string{"GET /status", "POST /stop", "POST /access", "POST /reload"} {
		try("the control socket, "+request, "refused|403", func(w *world) wish {
			return wish{Do: "socket", At: w.path("home", "proxy.sock"), Send: lines(request+" HTTP/1.1", "Host: x", "Content-Length: 0", "Connection: close", "")}
		})
	}
	for who, pid := range w.processes() {
		for _, file := range []string{"environ", "mem", "maps", "fd", "cwd", "root", "auxv", "stack", "syscall", "pagemap"} {
			do := "read"
			if file == "fd" || file == "cwd" || file == "root" {
				do = "list"
			}
			try("/proc of "+who+", "+file, "refused", func(*world) wish { return wish{Do: do, At: "/proc/" + pid() + "/" + file} })
		}
		try("arguments of "+who, "any", func(*world) wish { return wish{Do: "read", At: "/proc/" + pid() + "/cmdline"} })
		try("ptrace of "+who, "refused", func(*world) wish { return wish{Do: "trace", At: pid()} })
		try("memory of "+who, "refused", func(*world) wish { return wish{Do: "memory", At: pid()} })
		try("a signal to "+who, "refused", func(*world) wish { return wish{Do: "kill", At: pid()} })
	}
	return all
}

func (w *world) processes() map[string]func() string {
	return map[string]func() string{
		"the run":            func() string { return strconv.Itoa(w.run.cmd.Process.Pid) },
		"the run's program":  func() string { return strconv.Itoa(w.run.PID) },
		"the proxy's daemon": func() string { return strconv.Itoa(w.daemonPID) },
	}
}

// startDaemon starts a proxy in the background, and asks for its credential as a
// person does.
func (w *world) startDaemon(ctx context.Context) error {
	if err := w.do(ctx, "", append([]string{"proxy", "start", "--port", "0"}, w.leads()...)...); err != nil {
		return err
	}
	out, err := w.command(ctx, "proxy", "env", "--shell", "docker").Output()
	if err != nil {
		return fmt.Errorf("proxy env: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "HTTPS_PROXY="); ok {
			u, err := url.Parse(text)
			if err != nil {
				return errors.New("proxy env names no URL")
			}
			w.daemon = proxy{addr: u.Host, credential: u.User.String(), roots: w.proxy.roots}
		}
	}
	var state struct {
		PID int `json:"pid"`
	}
	if err := readJSON(w.path("home", "proxy.json"), &state); err != nil {
		return err
	}
	if w.daemonPID = state.PID; w.daemonPID == 0 || w.daemon.addr == "" {
		return errors.New("the proxy does not say where it is")
	}
	return nil
}

// squatProbe: another user takes the port of a proxy that has stopped.
func squatProbe() probe {
	return probe{
		name: "another user: listens where the daemon did", tried: "proxy stop; listen at its port; the person starts, asks and calls again", want: "done",
		do: func(ctx context.Context, w *world) (answer, error) {
			if err := w.do(ctx, "", "proxy", "stop"); err != nil {
				return answer{}, err
			}
			_, port, _ := strings.Cut(w.daemon.addr, ":")
			var fault string
			a, err := w.stranger(ctx, wish{Do: "squat", At: w.daemon.addr}, func() {
				for _, args := range [][]string{
					append([]string{"proxy", "start", "--port", port}, w.leads()...), {"proxy", "status"}, {"proxy", "env"}, {"proxy", "reload"},
				} {
					if err := w.do(ctx, "", args...); err == nil {
						fault += strings.Join(args[:2], " ") + " took the other's listener for ours; "
					}
				}
			})
			if fault != "" {
				a.outcome, a.said = "broke", fault
			}
			return a, errors.Join(err, w.startDaemon(ctx))
		},
	}
}

// ownProbes are programs of the same user, without what they would need.
func ownProbes() []probe {
	get := []string{"GET https://" + api + "/ HTTP/1.1", "Host: " + api, authField, "Connection: close"}
	at := func(name, want, may string, p func(*world) proxy, head ...string) probe {
		return probe{name: name, tried: head[0], want: want, may: may, do: func(ctx context.Context, w *world) (answer, error) {
			target := p(w)
			b := strings.ReplaceAll(lines(append(head, "")...), "$A", target.authorization())
			return target.send(ctx, wire{bytes: b})
		}}
	}
	inside := func(name, want, says string, args ...string) commandRow {
		return commandRow{name: name, want: want, says: says, inside: true, args: args}
	}
	ofRun, ofDaemon := func(w *world) proxy { return w.proxy }, func(w *world) proxy { return w.daemon }
	all := []probe{
		at("the run's port without a credential", "407", "", ofRun, get...),
		at("the run's port, with the daemon's credential", "407", "", func(w *world) proxy { return proxy{addr: w.proxy.addr, credential: w.daemon.credential} }, append(get, "$A")...),
		at("the daemon's port, with the run's credential", "407", "", func(w *world) proxy { return proxy{addr: w.daemon.addr, credential: w.proxy.credential} }, append(get, "$A")...),
		at("the run's port, half of the credential", "407", "", func(w *world) proxy {
			return proxy{addr: w.proxy.addr, credential: w.proxy.credential[:len(w.proxy.credential)-1]}
		}, append(get, "$A")...),
		at("the run's port, an empty credential", "407", "", func(w *world) proxy { return proxy{addr: w.proxy.addr, credential: ":"} }, append(get, "$A")...),
		at("the daemon's port, with its credential", "sent", api, ofDaemon, append(get, "$A")...),
		at("the daemon's port, from a directory of no project", "403", "", ofDaemon, get...),
		at("the daemon's /proxy, by another host name", "403", "", ofDaemon, "GET /proxy HTTP/1.1", "Host: "+evil, "X-AS-Target-URL: https://"+api+"/", "X-AS-Inject-Bearer: API_KEY", "$A"),
		revoked(),
	}
	rows := []commandRow{
		inside("in a run: the daemon's port", "refused", "403", "!curl", "-sSv", "--fail-with-body", "-m", "5", "-x", "http://$DAEMON", "https://api.acme.test/", "-H", authField),
		inside("in a run: the daemon's port with its credential", "refused", "403", "!curl", "-sSv", "--fail-with-body", "-m", "5", "-x", "http://$CREDENTIAL@$DAEMON", "https://api.acme.test/", "-H", authField),
		inside("in a run: the control socket, stop", "refused", "inside a run", "!curl", "-s", "--fail-with-body", "-m", "5", "-X", "POST", "--unix-socket", "$DIR/home/proxy.sock", "http://x/stop"),
		inside("in a run: the control socket, access", "refused", "inside a run", "!curl", "-s", "--fail-with-body", "-m", "5", "-d", "{}", "--unix-socket", "$DIR/home/proxy.sock", "http://x/access"),
		inside("in a run: the control socket, by a program that is gone", "refused", "", "!sh", "-c", "(curl -s -m 5 -d '{}' --unix-socket $DIR/home/proxy.sock http://x/access >$DIR/loot/access &) ; sleep 1; cat $DIR/loot/access; grep -q credential $DIR/loot/access"),
	}
	return append(append(all, commandProbes(rows)...), crashProbes()...)
}

// revoked uses the credential of a run that is over.
func revoked() probe {
	return probe{name: "the credential of a run that is over", tried: "at another run's port", want: "407",
		do: func(ctx context.Context, w *world) (answer, error) {
			a, err := w.startAgent(ctx, w.leads()...)
			if err != nil {
				return answer{}, err
			}
			p, err := proxyOf(a.hello)
			a.stop()
			p.addr = w.proxy.addr
			if err != nil {
				return answer{}, err
			}
			return p.send(ctx, wire{bytes: lines("GET https://"+api+"/ HTTP/1.1", "Host: "+api, authField, p.authorization(), "")})
		}}
}

// crashProbes have a client kill its run, after a value has gone out, in the ways
// that make a program tell what it holds.
func crashProbes() []probe {
	var all []probe
	for _, signal := range []string{"QUIT", "ABRT", "SEGV", "TRAP"} {
		all = append(all, probe{name: "a client ends its run with SIG" + signal, tried: "GOTRACEBACK=crash, ulimit -c unlimited", want: "any", may: api,
			do: func(ctx context.Context, w *world) (answer, error) { return w.crash(ctx, signal) }})
	}
	return all
}

func (w *world) crash(ctx context.Context, signal string) (answer, error) {
	flags := "run --intercept --quiet " + strings.Join(w.leads(), " ")
	script := fmt.Sprintf(`ulimit -c unlimited; exec %s %s -- sh -c '%s call --url https://%s/ --bearer API_KEY; kill -%s $PPID; sleep 1'`, w.binary, flags, w.binary, api, signal)
	r := carryOut(ctx, order{Args: []string{"sh", "-c", script}, Dir: w.path("project"), Env: []string{"GOTRACEBACK=crash"}}, w.environ)
	a := r.answer()
	if !strings.Contains(string(r.Stdout), "GET / "+api) {
		return a, fmt.Errorf("no value went out before: %s", r.Stderr)
	}
	return a, nil
}

// copySelf puts this program where other users may start it.
func (w *world) copySelf() error {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer from.Close()
	w.self = w.path("attack")
	to, err := os.OpenFile(w.self, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Chmod(0o755), to.Close())
}
