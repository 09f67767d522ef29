package mitm_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// A memory is an origin that says again, whenever it is asked, what it was ever sent.
type memory struct{ sent atomic.Value }

func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, _ := m.sent.Load().(string)
	if auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && !strings.Contains(all, auth) {
		all += " " + auth
		m.sent.Store(all)
	}
	io.WriteString(w, all)
}

// A rotated secret is looked for until a day has passed in which its value did not
// go out; the value that a name stands for stays, however long it is not sent.
func TestValuesAreForgotten(t *testing.T) {
	var ahead atomic.Int64 // hours
	var stored atomic.Value
	m := &memory{}
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: m, Change: func(c *mitm.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load()) * time.Hour) }
		c.Resolve = func(_ context.Context, _ mitm.Scope, name string) (resolve.Value, error) {
			return resolve.New([]byte(stored.Load().(string) + name)), nil
		}
	}})
	send := func(name string) string {
		t.Helper()
		req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
		if name != "" {
			req.Header.Set("Authorization", "Bearer AS_SECRET_"+name)
		}
		resp, err := l.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %s, %v", resp.Status, b, err)
		}
		return string(b)
	}
	var replaced []string // names that the store says were set again or deleted
	asked := 0
	forget := func(want int) {
		t.Helper()
		got := l.Proxy.Forget(func(project, environment, name string, since time.Time) bool {
			asked++
			if project != "prj" || environment != "development" || since.After(time.Now().Add(time.Duration(ahead.Load()-24)*time.Hour)) {
				t.Errorf("asked about %s %s %s since %v", project, environment, name, since)
			}
			for _, r := range replaced {
				if r == name {
					return true
				}
			}
			return false
		})
		if got != want {
			t.Errorf("after %d h %d values were forgotten, not %d", ahead.Load(), got, want)
		}
	}
	seen := func(values ...string) {
		t.Helper()
		var got string
		for range 2000 { // tables are made anew in the background
			if got = send(""); strings.Count(got, "value-") == len(values) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		for _, v := range values {
			if !strings.Contains(got, v) || strings.Count(got, "value-") != len(values) {
				t.Fatalf("after %d h there came %q, which should show %q", ahead.Load(), got, values)
			}
		}
	}
	stored.Store("first-value-")
	send("A")
	send("B")
	stored.Store("other-value-")
	send("A")
	seen()
	ahead.Store(23)
	forget(0)
	if asked != 0 {
		t.Errorf("asked about %d secrets within a day", asked)
	}
	seen()
	ahead.Store(25)
	forget(1)
	seen("first-value-A")
	send("A") // the other one lives a day longer, though it is deleted now
	replaced = []string{"A"}
	ahead.Store(48)
	forget(0)
	seen("first-value-A")
	ahead.Store(50)
	forget(1)
	seen("first-value-A", "other-value-A")
	ahead.Store(5000)
	forget(0) // B is as it was
	seen("first-value-A", "other-value-A")
	replaced = []string{"B"}
	forget(1)
	seen("first-value-A", "other-value-A", "first-value-B")
	send("A") // looked for again once it is released again
	stored.Store("first-value-")
	seen("first-value-A", "first-value-B")
}

// What can no longer be looked for is not sent.
func TestTooManyValues(t *testing.T) {
	values := map[string]string{}
	const names = 20
	for i := range names {
		values[fmt.Sprintf("KEY_%d", i)] = fmt.Sprintf("sk-%x-of-many-values", rand.Uint64())
	}
	var last atomic.Value
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		last.Store(string(b))
		w.Write(b)
	})
	l := lab.New(t, lab.Config{Secrets: values, Allow: []string{host}, Origin: origin})
	l.Proxy.LimitReleased(100, 64<<10)
	post := func(i int) (status int, body, value string) {
		t.Helper()
		name := fmt.Sprintf("KEY_%d", i)
		resp, err := l.Client.Post(l.URL(host, "/"), "application/json", strings.NewReader(`{"key":"AS_SECRET_`+name+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || strings.Contains(string(b), values[name]) {
			t.Fatalf("%d: %s, %v", i, b, err)
		}
		return resp.StatusCode, string(b), values[name]
	}
	sent := 0
	for i := range names {
		status, body, value := post(i)
		if status == 200 && sent == i && strings.Contains(last.Load().(string), value) {
			sent++
			continue
		}
		if status != 503 || !strings.Contains(body, `"error":"too_many_values"`) || !strings.Contains(body, `"hint":"agentsecrets proxy stop"`) {
			t.Fatalf("%d: %d %s", i, status, body)
		}
		if strings.Contains(last.Load().(string), value) {
			t.Error("it was sent all the same")
		}
	}
	if sent < 2 || sent > 12 {
		t.Fatalf("%d of %d values were sent", sent, names)
	}
	if status, body, value := post(0); status != 200 || !strings.Contains(last.Load().(string), value) {
		t.Errorf("what is looked for already: %d %s", status, body)
	}
}
