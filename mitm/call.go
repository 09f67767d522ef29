package mitm

import (
	"errors"
	"net/http"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/style"
)

// Call makes the exchange of r for run, without a proxy in between, and answers
// w: r names its URL, and s says where placeholders go beside those that are in
// it. A place that s names was asked for, so nothing there is text. Like a
// handler of net/http it panics with http.ErrAbortHandler where the origin
// breaks off in the middle of its response.
//
//	run := p.NewRun(scope)
//	req, _ := http.NewRequest("GET", "https://api.acme.test/v1/balance", nil)
//	p.Call(w, req, run, style.Styles{Bearer: "ACME_KEY"})
func (p *Proxy) Call(w http.ResponseWriter, r *http.Request, run *Run, s style.Styles) *Result {
	port, known := portOf(r.URL.Scheme)
	dest, err := p.parseAuthority(r.URL.Host, port)
	if !known || err != nil || r.URL.User != nil {
		refusal := p.refused(badTarget())
		refusal.write(w, "")
		return &Result{Refused: refusal}
	}
	if why := p.enter(run); why != nil {
		overloaded(w, r, why)
		return &Result{Refused: why}
	}
	defer p.leave(run)
	r = r.Clone(r.Context())
	x := p.newExchange(run, r.URL.Scheme, dest)
	x.asked = s.Places()
	if err := s.Apply(r); err != nil {
		x.method, x.target = r.Method, parseTarget(r.URL.RequestURI())
		x.refuse(w, styleProblem(err))
		x.finish()
		return x.result()
	}
	if r.Body == nil {
		r.Body = http.NoBody
	} else if r.ContentLength == 0 && r.Body != http.NoBody {
		r.ContentLength = -1 // to clients 0 means unknown, to servers none
	}
	r.RequestURI, r.Host = r.URL.RequestURI(), r.URL.Host
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0 // a caller has no use for 1xx responses
	x.serve(w, r)
	return x.result()
}

// Result is what the response of a call does not say by itself.
type Result struct {
	Exchange   string   // ID in the audit log; "" if it did not come to one
	Refused    *Problem // the response is ours; nil if it is the origin's
	Redactions int      // echoes taken out of it
}

func (x *exchange) result() *Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &Result{Exchange: x.id, Refused: x.denied, Redactions: x.echoes.Total()}
}

func badTarget() *Problem {
	return &Problem{Status: http.StatusBadRequest, Slug: "bad_authority", Message: "the URL names no host and port that we can read"}
}

func styleProblem(err error) *Problem {
	p := &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Message: "the request body could not be read"}
	var refused *style.Error
	if errors.As(err, &refused) {
		p.Message = refused.Reason
	}
	return p
}

// wasAsked reports whether a style named the place. The case of names is lost
// on their way through HTTP libraries.
func (x *exchange) wasAsked(place string) bool {
	for _, a := range x.asked {
		if strings.EqualFold(a, place) {
			return true
		}
	}
	return false
}
