package mitm_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// looks notes with which look each question about policy is asked: 0 is none.
type looks struct {
	mu     sync.Mutex
	taken  int
	asked  []int
	really func(mitm.Scope, mitm.Use) error
}

func (l *looks) change(c *mitm.Config) {
	l.really = c.Allow
	reaches := c.Reaches
	c.Look = func(s mitm.Scope) mitm.Scope {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.taken++
		s.Seen = l.taken
		return s
	}
	c.Allow = func(s mitm.Scope, u mitm.Use) error {
		l.note(s)
		return l.really(s, u)
	}
	c.Reaches = func(s mitm.Scope, host string, port int) bool {
		l.note(s)
		return reaches(s, host, port)
	}
}

func (l *looks) note(s mitm.Scope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, _ := s.Seen.(int)
	l.asked = append(l.asked, n)
}

// drain answers when it has read all of a request.
var drain = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })

// Policy is looked at once for an exchange, again once a body was waited for, and
// anew for each use in a body that streams, which may take as long as it likes.
func TestPolicyIsLookedAtOnce(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		l := &looks{}
		cfg := lab.Config{Secrets: map[string]string{"KEY": value, "OTHER": value + "2"}, Allow: []string{host}, Change: l.change, Origin: drain}
		change(&cfg)
		world := lab.New(t, cfg)
		body := `{"key":"AS_SECRET_OTHER"}`
		for _, c := range []struct {
			name, body string
			live       bool
			want       []int // Allow for each use, and Reaches
		}{
			{"head", "", false, []int{1, 1}},
			{"body", body, false, []int{2, 3, 3}},
			{"live body", body, true, []int{4, 4, 0}},
		} {
			req, err := http.NewRequest("POST", world.URL(host, "/"), strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Api-Key", "AS_SECRET_KEY")
			if c.live {
				req.ContentLength = -1
			}
			resp, err := world.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			l.mu.Lock()
			if resp.StatusCode != 200 || !slices.Equal(l.asked, c.want) {
				t.Errorf("%s: %s, asked by looks %v, want %v", c.name, resp.Status, l.asked, c.want)
			}
			l.asked = nil
			l.mu.Unlock()
		}
	})
}
