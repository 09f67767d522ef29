package mitm_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// hungStore never answers, and does not heed its context either.
type hungStore struct{ release chan struct{} }

func (s hungStore) Generation() string                                    { return "1" }
func (s hungStore) Set(context.Context, resolve.Ref, resolve.Value) error { return nil }
func (s hungStore) Delete(context.Context, resolve.Ref) error             { return nil }
func (s hungStore) Resolve(context.Context, resolve.Ref) (resolve.Value, error) {
	<-s.release
	return resolve.Value{}, resolve.ErrLocked
}

// While a store hangs, those who ask for nothing of it are served, on the very
// connection too; those who do are told in time, and after that at once.
func TestV9HungStore(t *testing.T) {
	s := hungStore{make(chan struct{})}
	t.Cleanup(func() { close(s.release) })
	r, err := resolve.NewResolver(resolve.Config{Store: s, Timeout: 500 * time.Millisecond, NegativeTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, http1 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP/1 %v", http1), func(t *testing.T) {
			l := lab.New(t, lab.Config{Allow: []string{host}, ClientH1: http1, Change: func(c *mitm.Config) {
				c.Resolve = func(ctx context.Context, _ mitm.Scope, name string) (resolve.Value, error) {
					return r.Resolve(ctx, resolve.Ref{Project: fmt.Sprint("p", http1), Environment: "e", Name: name})
				}
			}})
			late := make(chan *http.Response, 1)
			go func() {
				req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
				req.Header = bearer("KEY")
				resp, err := l.Client.Do(req)
				if err != nil {
					t.Error(err)
				}
				late <- resp
			}()
			for range 20 {
				if resp, _ := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 {
					t.Errorf("a request without a placeholder: %s", resp.Status)
				}
			}
			if resp := <-late; resp == nil || resp.StatusCode != 503 {
				t.Errorf("%v", resp)
			} else {
				resp.Body.Close()
			}
			resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("OTHER"))
			wantProblem(t, resp, body, 503, "store_locked")
		})
	}
}
