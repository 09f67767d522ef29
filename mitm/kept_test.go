package mitm_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
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

// A rotation is a proxy whose clock and store are in a test's hands.
type rotation struct {
	t        *testing.T
	l        *lab.Lab
	ahead    atomic.Int64 // hours
	stored   atomic.Value // the beginning of every value
	replaced []string     // names that the store says were set again or deleted
	asked    int          // how many times it was
}

func newRotation(t *testing.T) *rotation {
	r := &rotation{t: t}
	r.l = lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: &memory{}, Change: func(c *mitm.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load()) * time.Hour) }
		c.Resolve = func(_ context.Context, _ mitm.Scope, name string) (resolve.Value, error) {
			return resolve.New([]byte(r.stored.Load().(string) + name)), nil
		}
	}})
	return r
}

// send asks the origin, with the value of name unless that is empty.
func (r *rotation) send(name string) string {
	r.t.Helper()
	req, _ := http.NewRequest("GET", r.l.URL(host, "/"), nil)
	if name != "" {
		req.Header.Set("Authorization", "Bearer AS_SECRET_"+name)
	}
	resp, err := r.l.Client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		r.t.Fatalf("%s: %s, %v", resp.Status, b, err)
	}
	return string(b)
}

// forget wants so many values to be forgotten.
func (r *rotation) forget(want int) {
	r.t.Helper()
	got := r.l.Proxy.Forget(func(project, environment, name string, since time.Time) bool {
		r.asked++
		if project != "prj" || environment != "development" || since.After(time.Now().Add(time.Duration(r.ahead.Load()-24)*time.Hour)) {
			r.t.Errorf("asked about %s %s %s since %v", project, environment, name, since)
		}
		return slices.Contains(r.replaced, name)
	})
	if got != want {
		r.t.Errorf("after %d h %d values were forgotten, not %d", r.ahead.Load(), got, want)
	}
}

// seen wants these values to come back as they are, and no others.
func (r *rotation) seen(values ...string) {
	r.t.Helper()
	var got string
	for range 2000 { // tables are made anew in the background
		if got = r.send(""); strings.Count(got, "value-") == len(values) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for _, v := range values {
		if !strings.Contains(got, v) || strings.Count(got, "value-") != len(values) {
			r.t.Fatalf("after %d h there came %q, which should show %q", r.ahead.Load(), got, values)
		}
	}
}

// A rotated secret is looked for until a day has passed in which its value did not
// go out; the value that a name stands for stays, however long it is not sent.
func TestValuesAreForgotten(t *testing.T) {
	r := newRotation(t)
	r.stored.Store("first-value-")
	r.send("A")
	r.send("B")
	r.stored.Store("other-value-")
	r.send("A")
	r.seen()
	r.ahead.Store(23)
	r.forget(0)
	if r.asked != 0 {
		t.Errorf("asked about %d secrets within a day", r.asked)
	}
	r.seen()
	r.ahead.Store(25)
	r.forget(1)
	r.seen("first-value-A")
	r.send("A") // the other one lives a day longer, though it is deleted now
	r.replaced = []string{"A"}
	r.ahead.Store(48)
	r.forget(0)
	r.seen("first-value-A")
	r.ahead.Store(50)
	r.forget(1)
	r.seen("first-value-A", "other-value-A")
	r.ahead.Store(5000)
	r.forget(0) // B is as it was
	r.seen("first-value-A", "other-value-A")
	r.replaced = []string{"B"}
	r.forget(1)
	r.seen("first-value-A", "other-value-A", "first-value-B")
	r.send("A") // looked for again once it is released again
	r.stored.Store("first-value-")
	r.seen("first-value-A", "first-value-B")
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
