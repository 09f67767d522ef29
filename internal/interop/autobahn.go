package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

// Autobahn fuzzes WebSocket from either side: its client toward its own echo
// server, and its server toward its own echo client. It runs under Python 2, so
// TLS is ours on both ends: the suite speaks it neither straight nor through us.

const (
	webSocketHost    = "localhost"
	autobahnPatience = 15 * time.Minute
)

// autobahnCases is what the suite runs: all but 12 and 13. Those ask for
// compressed messages, which we do not let be negotiated.
type autobahnCases struct {
	Cases   []string `json:"cases"`
	Exclude []string `json:"exclude-cases"`
}

// againTimes is how often cases that differ run again. Most give the other side
// half a second, which is not much on a busy machine: one time as straight is
// enough, since what is wrong is wrong each time.
const againTimes = 2

func runAutobahn(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	for prefix, fuzz := range map[string]func(context.Context, string, autobahnCases) (results, error){
		"fuzzed server ": s.fuzzServer, "fuzzed client ": s.fuzzClient,
	} {
		all, err := fuzz(ctx, "0", autobahnCases{[]string{"*"}, []string{"12.*", "13.*"}})
		for i := 0; i < againTimes && err == nil && len(all.differing()) > 0; i++ {
			var more results
			more, err = fuzz(ctx, strconv.Itoa(i+1), autobahnCases{Cases: all.differing(), Exclude: []string{}})
			maps.Copy(all.direct, more.direct)
			maps.Copy(all.through, more.through)
		}
		if err != nil {
			return got, err
		}
		for name, v := range all.direct {
			got.direct[prefix+name] = v
		}
		for name, v := range all.through {
			got.through[prefix+name] = v
		}
	}
	return got, nil
}

// differing are the cases that ended otherwise than straight.
func (r results) differing() []string {
	var all []string
	for name, v := range r.direct {
		if r.through[name] != v {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// fuzzServer has the suite's client fuzz an echo server.
func (s *stage) fuzzServer(ctx context.Context, round string, cases autobahnCases) (results, error) {
	w, err := s.openWebSocket(ctx, "testeeserver", nil)
	if err != nil {
		return results{}, err
	}
	defer w.close()
	dir := s.path("fuzzingclient" + round)
	spec, err := writeSpec(dir, struct {
		autobahnCases
		Servers []map[string]string `json:"servers"`
		Dir     string              `json:"outdir"`
		Agents  struct{}            `json:"exclude-agent-cases"`
	}{cases, []map[string]string{
		{"agent": "direct", "url": "ws://localhost:" + w.direct.port()}, {"agent": "through", "url": "ws://localhost:" + w.through.port()},
	}, dir, struct{}{}})
	if err != nil {
		return results{}, err
	}
	if _, err := output(ctx, autobahnPatience, s.dir, s.environ, s.wstest("-m", "fuzzingclient", "-s", spec)...); err != nil {
		return results{}, err
	}
	return readAutobahn(filepath.Join(dir, "index.json"))
}

// fuzzClient has the suite's server fuzz an echo client.
func (s *stage) fuzzClient(ctx context.Context, round string, cases autobahnCases) (results, error) {
	dir := s.path("fuzzingserver" + round)
	w, err := s.openWebSocket(ctx, "fuzzingserver", func(url string) (string, error) {
		return writeSpec(dir, struct {
			autobahnCases
			URL    string   `json:"url"`
			Dir    string   `json:"outdir"`
			Agents struct{} `json:"exclude-agent-cases"`
		}{cases, url, dir, struct{}{}})
	})
	if err != nil {
		return results{}, err
	}
	defer w.close()
	for _, agent := range []struct {
		name string
		way  *relay
	}{{"direct", w.direct}, {"through", w.through}} {
		args := s.wstest("-m", "testeeclient", "-i", agent.name, "-w", "ws://localhost:"+agent.way.port())
		if _, err := output(ctx, autobahnPatience, s.dir, s.environ, args...); err != nil {
			return results{}, err
		}
	}
	return readAutobahn(filepath.Join(dir, "index.json"))
}

func (s *stage) wstest(args ...string) []string {
	return append([]string{s.tool("wstest")}, args...)
}

// writeSpec writes what a mode of the suite is told. Its report goes to dir.
func writeSpec(dir string, spec any) (string, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return "", err
	}
	return dir + ".json", os.WriteFile(dir+".json", text, 0o600)
}

// webSocket is a server of the suite, and the two ways to it.
type webSocket struct {
	server          *held.Process
	end             *relay // of TLS, in front of the server
	door            *door
	direct, through *relay
}

// openWebSocket starts a mode of the suite that serves. spec, if any, makes the
// file that it is told its address by.
func (s *stage) openWebSocket(ctx context.Context, mode string, spec func(url string) (string, error)) (_ *webSocket, err error) {
	w := &webSocket{}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := []string{"-m", mode, "-u", "0", "-w", "ws://localhost:" + port}
	if spec != nil {
		file, err := spec(args[len(args)-1])
		if err != nil {
			return nil, err
		}
		args = append(args[:len(args)-2], "-s", file)
	}
	if w.server, err = server(ctx, s.dir, s.environ, "127.0.0.1:"+port, s.wstest(args...)...); err != nil {
		return nil, err
	}
	if w.end, err = s.endTLS(port); err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + w.end.port()
	if w.direct, err = localRelay(func() (half, error) { return dialTLS(addr, s.root.PEM()) }); err != nil {
		return nil, err
	}
	var l net.Listener
	if w.door, l, err = s.openLocal(ctx, webSocketHost, addr); err != nil {
		return nil, err
	}
	w.through = newRelay(l, w.door.connectTLS)
	return w, nil
}

func (w *webSocket) close() {
	for _, r := range []*relay{w.through, w.direct} {
		if r != nil {
			r.close()
		}
	}
	if w.door != nil {
		w.door.close()
	}
	if w.end != nil {
		w.end.close()
	}
	w.server.Stop()
}

func dialTLS(addr string, roots []byte) (half, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reach the origin: %w", err)
	}
	return shake(c, roots, net.JoinHostPort(webSocketHost, "0"))
}

func localRelay(dial func() (half, error)) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return newRelay(l, dial), nil
}

// endTLS serves TLS for a server of the suite, which takes no other port in Host
// than the one that it listens on.
func (s *stage) endTLS(port string) (*relay, error) {
	leaf, err := s.root.Leaf(webSocketHost)
	if err != nil {
		return nil, err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*leaf}, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	r := newRelay(l, func() (half, error) {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	})
	r.up = func(src io.Reader) io.Reader { return &namesServer{src: bufio.NewReader(src), port: port} }
	return r, nil
}

// namesServer puts the server's own port into the Host of the first request.
type namesServer struct {
	src  *bufio.Reader
	port string
	head *bytes.Reader
}

func (n *namesServer) Read(b []byte) (int, error) {
	if n.head == nil {
		var all bytes.Buffer
		for {
			line, err := n.src.ReadString('\n')
			if err != nil {
				return 0, err
			}
			if k, _, ok := strings.Cut(line, ":"); ok && http.CanonicalHeaderKey(k) == "Host" {
				line = "Host: " + net.JoinHostPort(webSocketHost, n.port) + "\r\n"
			}
			all.WriteString(line)
			if strings.TrimRight(line, "\r\n") == "" {
				break
			}
		}
		n.head = bytes.NewReader(all.Bytes())
	}
	if n.head.Len() > 0 {
		return n.head.Read(b)
	}
	return n.src.Read(b)
}

// readAutobahn takes the verdicts of a report. How the connection was closed
// belongs to the verdict; OK is the suite's word for passed.
func readAutobahn(file string) (results, error) {
	got := newResults()
	text, err := os.ReadFile(file)
	if err != nil {
		return got, fmt.Errorf("there is no report of Autobahn: %w", err)
	}
	var agents map[string]map[string]struct {
		Behavior string `json:"behavior"`
		Close    string `json:"behaviorClose"`
	}
	if err := json.Unmarshal(text, &agents); err != nil {
		return got, fmt.Errorf("read Autobahn's report: %w", err)
	}
	for agent, all := range map[string]map[string]string{"direct": got.direct, "through": got.through} {
		for name, v := range agents[agent] {
			verdict := v.Behavior + ", closed " + v.Close
			if v.Behavior == "OK" && v.Close == "OK" {
				verdict = passed
			}
			all[name] = verdict
		}
	}
	return got, nil
}
