package mitm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/internal/stream"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Request bodies. A JSON, form or multipart body of a declared length up to 1 MiB is read
// ahead, so that policy can decide before anything is sent and the new length
// is exact. A longer one streams and may hold no use; one of unknown length
// streams through the expander, which decides as it goes.

// requestBody is what is to be sent once everything has been decided.
type requestBody struct {
	uses   []found
	attach func(out *http.Request) error
}

// rewriter makes the whole-value expander of a body; nil where no binding can
// touch it. A compressed body passes as it is.
type rewriter func(placeholder.FieldValues) stream.Rewriter

func rewriterFor(h http.Header) (rewriter, string) {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, ""
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err != nil:
		return nil, ""
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return placeholder.NewJSON, place.Body
	case kind == "application/x-www-form-urlencoded":
		return placeholder.NewForm, place.Form
	case kind == "multipart/form-data" && params["boundary"] != "":
		return func(v placeholder.FieldValues) stream.Rewriter {
			return placeholder.NewMultipart(params["boundary"], v)
		}, place.Form
	}
	return nil, ""
}

func (x *exchange) readBody(out, r *http.Request) (*requestBody, error) {
	newRewriter, kind := rewriterFor(out.Header)
	switch {
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		return &requestBody{attach: func(*http.Request) error { return nil }}, nil
	case newRewriter == nil:
		return &requestBody{attach: passBody(r.Body)}, nil
	case r.ContentLength < 0:
		return x.liveBody(r, newRewriter, kind), nil
	case r.ContentLength > maxBodyAhead:
		return x.longBody(r, newRewriter, kind)
	}
	return x.shortBody(r, newRewriter, kind)
}

func passBody(b io.ReadCloser) func(*http.Request) error {
	return func(out *http.Request) error {
		out.Body = b
		return nil
	}
}

// collector notes the uses that a body holds and changes nothing.
func (x *exchange) collector(kind string, uses *[]found) placeholder.FieldValues {
	return func(name, field string) ([]byte, error) {
		u := x.use(name, place.Of(kind, field), true, kind)
		if x.isText(u) {
			x.mentioned(u)
			return nil, nil
		}
		*uses = append(*uses, u)
		return nil, nil
	}
}

var errBody = &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Message: "the request body ended early"}

// bodyIdle is how long a client that we wait for may send nothing.
const bodyIdle = 10 * time.Second

// patient reads what has to be there before anything is sent; a client that
// stops in the middle does not hold its connection for ever.
type patient struct {
	src io.Reader
	rc  *http.ResponseController
}

func (p patient) Read(b []byte) (int, error) {
	p.rc.SetReadDeadline(time.Now().Add(bodyIdle))
	n, err := p.src.Read(b)
	p.rc.SetReadDeadline(time.Time{})
	return n, err
}

// readAhead fills b, which is to wait for the client.
func (x *exchange) readAhead(body io.Reader, b []byte) error {
	defer x.waitedSince(x.proxy.cfg.now())
	_, err := io.ReadFull(patient{body, x.client}, b)
	return err
}

// leaveBody makes a refusal end its connection: what is left of the body is
// neither read nor waited for.
func leaveBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	http.NewResponseController(w).SetReadDeadline(time.Now())
}

func (x *exchange) shortBody(r *http.Request, newRewriter rewriter, kind string) (*requestBody, error) {
	b := make([]byte, r.ContentLength)
	if err := x.readAhead(r.Body, b); err != nil {
		return nil, errBody
	}
	body := &requestBody{}
	if bytes.Contains(b, []byte(placeholder.Prefix)) {
		if _, err := rewrite(newRewriter(x.collector(kind, &body.uses)), b); err != nil {
			return nil, err
		}
	}
	body.attach = func(out *http.Request) error {
		if len(body.uses) > 0 {
			var err error
			if b, err = rewrite(newRewriter(x.known(kind)), b); err != nil {
				return bodyProblem(err)
			}
		}
		out.Header.Del("Expect") // the body is at hand
		out.ContentLength = int64(len(b))
		out.Body = io.NopCloser(bytes.NewReader(b))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
		return nil
	}
	return body, nil
}

func rewrite(rw stream.Rewriter, b []byte) ([]byte, error) {
	dst, err := rw.Feed(make([]byte, 0, len(b)+256), b)
	if err != nil {
		return nil, err
	}
	return rw.Flush(dst)
}

// known gives the values that decide has resolved.
func (x *exchange) known(kind string) placeholder.FieldValues {
	return func(name, field string) ([]byte, error) {
		u := x.use(name, place.Of(kind, field), true, kind)
		if x.isText(u) {
			return nil, nil
		}
		v, ok := x.values[name]
		if !ok {
			return nil, &Problem{Status: 503, Slug: "store_locked", Name: name, Message: "the value was not resolved"}
		}
		x.proxy.cfg.observer().Expanded(kind)
		return v.Reveal(), nil
	}
}

func bodyProblem(err error) *Problem {
	fallback := Problem{Status: 400, Slug: "bad_request", Message: "the request body could not be read"}
	if errors.Is(err, placeholder.ErrNotAllowed) {
		fallback = Problem{Status: 422, Slug: "value_not_allowed_in_place", Message: "the value holds bytes that cannot stand in this body"}
	}
	return asProblem(err, fallback)
}

// longBody looks at the first MiB; a use there is refused before anything is
// sent, a later one ends the request.
func (x *exchange) longBody(r *http.Request, newRewriter rewriter, kind string) (*requestBody, error) {
	head := make([]byte, maxBodyAhead)
	if err := x.readAhead(r.Body, head); err != nil {
		return nil, errBody
	}
	refuse := func(name, field string) ([]byte, error) {
		u := x.use(name, place.Of(kind, field), true, kind)
		if x.isText(u) {
			return nil, nil
		}
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge, Slug: "body_too_large", Name: name,
			Message: "a placeholder is expanded only in bodies up to 1 MiB",
		}
	}
	if _, err := newRewriter(refuse).Feed(nil, head); err != nil {
		return nil, err
	}
	stop := x.stopping(func(name, field string) ([]byte, error) {
		b, err := refuse(name, field)
		if err == nil {
			x.mentioned(x.use(name, place.Of(kind, field), true, kind))
		}
		return b, err
	})
	src := io.MultiReader(bytes.NewReader(head), r.Body)
	return &requestBody{attach: func(out *http.Request) error {
		out.Header.Del("Expect")
		out.Body = readCloser{stream.NewReader(src, newRewriter(stop)), r.Body}
		return nil
	}}, nil
}

// liveBody decides about each use when the stream comes to it. What has gone
// out by then stays out; the request ends with the first refusal.
func (x *exchange) liveBody(r *http.Request, newRewriter rewriter, kind string) *requestBody {
	x.live = true
	values := x.stopping(func(name, field string) ([]byte, error) {
		u := x.use(name, place.Of(kind, field), true, kind)
		if x.isText(u) {
			x.mentioned(u)
			return nil, nil
		}
		return x.decideLive(r.Context(), u)
	})
	return &requestBody{attach: func(out *http.Request) error {
		out.ContentLength = -1
		out.Body = readCloser{stream.NewReader(r.Body, newRewriter(values)), r.Body}
		return nil
	}}
}

// stopping keeps the reason for which a body was cut off; the transport tells
// only that it was.
func (x *exchange) stopping(values placeholder.FieldValues) placeholder.FieldValues {
	return func(name, field string) ([]byte, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		b, err := values(name, field)
		if err != nil {
			x.bodyStop = bodyProblem(err)
		}
		return b, err
	}
}

// decideLive is decide, record and release for one use. x.mu is held.
func (x *exchange) decideLive(ctx context.Context, u found) ([]byte, error) {
	if !x.guarded {
		return nil, &Problem{Status: 403, Slug: "domain_not_in_allowlist", Name: u.Name, Domain: x.domain(), Message: "no value may go to this host"}
	}
	if x.liveUses++; x.liveUses > maxUses {
		return nil, tooMany()
	}
	before := len(x.uses)
	if err := x.decide(ctx, []found{u}); err != nil {
		return nil, err
	}
	if len(x.uses) > before {
		if err := x.record(); err != nil {
			return nil, err
		}
	}
	x.release()
	x.proxy.cfg.observer().Expanded(kindOf(u.Place))
	return x.values[u.Name].Reveal(), nil
}

type readCloser struct {
	io.Reader
	io.Closer
}
