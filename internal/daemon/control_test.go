package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAccess(t *testing.T) {
	home := t.TempDir()
	if _, err := launch(t, home, "daemon"); err != nil {
		t.Fatal(err)
	}
	defer Stop(t.Context(), home, -1)
	a, err := Open(t.Context(), home, Wanted{Project: "pay", Environment: "staging"})
	if err != nil || a.ProjectName != "pay" || a.Environment != "staging" || a.URL != "http://run:x@127.0.0.1:1" {
		t.Errorf("%+v, %v", a, err)
	}
	_, err = Open(t.Context(), home, Wanted{})
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Reason != "no project" || refused.Hint() != "agentsecrets init" {
		t.Errorf("%v", err)
	}
}

func TestReload(t *testing.T) {
	home := t.TempDir()
	if err := Reload(t.Context(), home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("before: %v", err)
	}
	if _, err := launch(t, home, "daemon"); err != nil {
		t.Fatal(err)
	}
	defer Stop(t.Context(), home, -1)
	if err := Reload(t.Context(), home); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(home, "reloaded")); err != nil {
		t.Error(err)
	}
}

// bare asks a socket for everything without looking at whose it is.
func bare(socket string) string {
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", socket)
	}}}
	var said []string
	for _, path := range []string{"GET /status", "POST /stop", "POST /access", "POST /reload"} {
		method, path, _ := strings.Cut(path, " ")
		req, err := http.NewRequest(method, "http://proxy"+path, nil)
		if err != nil {
			return err.Error()
		}
		resp, err := client.Do(req)
		if err != nil {
			return err.Error()
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		said = append(said, strings.TrimSpace(string(b)))
	}
	return strings.Join(said, " ")
}

// squat answers all that a daemon would, for as long as the test lasts.
func squat(socket string) {
	l, err := net.Listen("unix", socket)
	if err != nil {
		fmt.Println(err)
		return
	}
	os.Chmod(socket, 0o777)
	fmt.Println("ready")
	http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"running":true}`) }))
}

func TestOneStartsAtATime(t *testing.T) {
	home := t.TempDir()
	var starting, most atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			done, err := Starting(t.Context(), home)
			if err != nil {
				t.Error(err)
				return
			}
			most.Store(max(most.Load(), starting.Add(1)))
			time.Sleep(time.Millisecond)
			starting.Add(-1)
			done()
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d at once", most.Load())
	}
	done, err := Starting(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := Starting(ctx, home); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another starts: %v", err)
	}
}

// The number of who asks is told when it connects, and may be another's later.
func TestL3OneQuestionAConnection(t *testing.T) {
	home := t.TempDir()
	if _, err := launch(t, home, "daemon"); err != nil {
		t.Fatal(err)
	}
	defer Stop(t.Context(), home, -1)
	conn, err := net.Dial("unix", filepath.Join(home, socketFile))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(conn, strings.Repeat("GET /status HTTP/1.1\r\nHost: proxy\r\n\r\n", 2))
	said, err := io.ReadAll(conn) // to its end
	if n := strings.Count(string(said), "HTTP/1.1 200"); n != 1 || err != nil {
		t.Errorf("%d answers, %v", n, err)
	}
}
