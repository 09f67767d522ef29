package mitm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/internal/stream"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Request bodies. A JSON, form or multipart body of a declared length up to 1 MiB is read
// ahead, so that policy can decide before anything is sent and the new length
// is exact; so is any other where a binding asks for body:any. A longer one streams and
// may hold no use; one of unknown length streams through the expander, which
// decides as it goes.

// requestBody is what is to be sent once everything has been decided.
type requestBody struct {
	uses   []found
	attach func(out *http.Request) error
}

func (x *exchange) readBody(out, r *http.Request) (*requestBody, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return &requestBody{attach: func(*http.Request) error { return nil }}, nil
	}
	s := bodySyntax(out.Header)
	x.anywhere = x.proxy.cfg.Anywhere != nil && x.proxy.cfg.Anywhere(x.scope, x.dest.host, x.dest.port)
	s.any = x.anywhere
	switch {
	case s.framed:
		return &requestBody{attach: passBody(x.passMessages(r.Body))}, nil
	case s.values == nil && !s.any:
		return &requestBody{attach: passBody(x.mustMove(r))}, nil
	case isCoded(out.Header):
		if x.proxy.cfg.Reaches(x.scope, x.dest.host, x.dest.port) {
			x.proxy.cfg.observer().CodedBody()
		}
		return &requestBody{attach: passBody(x.mustMove(r))}, nil
	case r.ContentLength < 0:
		return x.liveBody(r, s), nil
	case r.ContentLength > maxBodyAhead:
		return x.longBody(r, s)
	}
	return x.shortBody(r, s)
}

func passBody(b io.ReadCloser) func(*http.Request) error {
	return func(out *http.Request) error {
		out.Body = b
		return nil
	}
}

var errBody = &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Message: "the request body ended early"}

// patient reads what has to be there before anything is sent; a client that
// stops in the middle does not hold its connection for ever.
type patient struct {
	src   io.Reader
	rc    *http.ResponseController
	after time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	p.rc.SetReadDeadline(time.Now().Add(p.after))
	n, err := p.src.Read(b)
	p.rc.SetReadDeadline(time.Time{})
	return n, err
}

// readAhead fills b, which is to wait for the client.
func (x *exchange) readAhead(body io.Reader, b []byte) error {
	defer x.waitedSince(x.proxy.cfg.now())
	_, err := io.ReadFull(patient{body, x.client, x.proxy.cfg.Timeouts.head()}, b)
	x.scope = x.proxy.cfg.look(x.scope) // it may have taken long
	return err
}

// leaveBody makes a refusal end its connection: what is left of the body is
// neither read nor waited for.
func leaveBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	http.NewResponseController(w).SetReadDeadline(time.Now())
}

func (x *exchange) shortBody(r *http.Request, s syntax) (*requestBody, error) {
	b := make([]byte, r.ContentLength)
	if err := x.readAhead(r.Body, b); err != nil {
		return nil, errBody
	}
	body := &requestBody{}
	if s.spells(b) {
		if _, err := rewrite(x.rewriter(s, x.collector(&body.uses)), b); err != nil {
			return nil, err
		}
	}
	body.attach = func(out *http.Request) error {
		if len(body.uses) > 0 {
			var err error
			if b, err = rewrite(x.rewriter(s, x.decided), b); err != nil {
				return bodyProblem(err)
			}
		}
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

// collector notes the uses that a body holds, and takes them out of what is left.
func (x *exchange) collector(uses *[]found) gives {
	return func(u found) ([]byte, error) {
		if x.isText(u) {
			x.mentionedIn(u)
			return nil, nil
		}
		if *uses = append(*uses, u); len(*uses) > maxUses {
			return nil, tooMany()
		}
		return []byte{}, nil
	}
}

// mentionedIn counts a placeholder in a body that is text. One that is the whole
// of a value is met again, as one that is somewhere in the body.
func (x *exchange) mentionedIn(u found) {
	if u.Place == place.Text && x.again > 0 {
		x.again--
		return
	}
	if u.Place != place.Text {
		x.again++
	}
	x.mentioned(u)
}

// decided gives the values that decide has resolved.
func (x *exchange) decided(u found) ([]byte, error) {
	if x.isText(u) {
		return nil, nil
	}
	return x.resolved(u)
}

func bodyProblem(err error) *Problem {
	fallback := Problem{Status: 400, Slug: "bad_request", Message: "the request body could not be read"}
	if errors.Is(err, placeholder.ErrNotAllowed) {
		fallback = Problem{Status: 422, Slug: "value_not_allowed_in_place", Message: "the value holds bytes that cannot stand in this body"}
	}
	if errors.Is(err, errPanicked) {
		return internalError()
	}
	return asProblem(err, fallback)
}

// longBody looks at the first MiB; a use there is refused before anything is
// sent, a later one ends the request.
func (x *exchange) longBody(r *http.Request, s syntax) (*requestBody, error) {
	head := make([]byte, maxBodyAhead)
	if err := x.readAhead(r.Body, head); err != nil {
		return nil, errBody
	}
	if _, err := x.rewriter(s, x.refuseLong).Feed(nil, head); err != nil {
		return nil, err
	}
	stop := x.locked(func(u found) ([]byte, error) {
		v, err := x.refuseLong(u)
		if err == nil {
			x.mentionedIn(u)
		}
		return v, err
	})
	src := io.MultiReader(bytes.NewReader(head), x.mustMove(r))
	return &requestBody{attach: func(out *http.Request) error {
		out.Body = readCloser{stream.NewReader(src, stopping{x.rewriter(s, stop), x}), r.Body}
		return nil
	}}, nil
}

// refuseLong is for what is too long to be expanded.
func (x *exchange) refuseLong(u found) ([]byte, error) {
	if x.isText(u) {
		return nil, nil
	}
	return nil, &Problem{
		Status: http.StatusRequestEntityTooLarge, Slug: "body_too_large", Name: u.Name,
		Message: "a placeholder is expanded only in bodies and messages up to 1 MiB",
	}
}

// liveBody decides about each use when the stream comes to it. What has gone
// out by then stays out; the request ends with the first refusal.
func (x *exchange) liveBody(r *http.Request, s syntax) *requestBody {
	x.live = true
	values := x.locked(func(u found) ([]byte, error) {
		if x.isText(u) {
			x.mentionedIn(u)
			return nil, nil
		}
		return x.decideLive(r.Context(), u)
	})
	return &requestBody{attach: func(out *http.Request) error {
		out.ContentLength = -1
		out.Body = readCloser{stream.NewReader(r.Body, stopping{x.rewriter(s, values), x}), r.Body}
		return nil
	}}
}

// locked is give for a body that streams while the response may have begun.
func (x *exchange) locked(give gives) gives {
	return func(u found) ([]byte, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		return give(u)
	}
}

// stopping keeps the reason for which a body was cut off; the transport tells
// only that it was.
type stopping struct {
	stream.Rewriter
	x *exchange
}

func (s stopping) Feed(dst, chunk []byte) ([]byte, error) {
	s.x.nextPiece()
	return s.keep(func() ([]byte, error) { return s.Rewriter.Feed(dst, chunk) })
}

func (s stopping) Flush(dst []byte) ([]byte, error) {
	return s.keep(func() ([]byte, error) { return s.Rewriter.Flush(dst) })
}

func (s stopping) keep(f func() ([]byte, error)) (dst []byte, err error) {
	defer func() {
		if err != nil {
			s.x.mu.Lock()
			defer s.x.mu.Unlock()
			s.x.bodyStop = bodyProblem(err)
		}
	}()
	defer s.x.proxy.cfg.rescue("body", &err) // on a goroutine of the transport
	return f()
}

// decideLive is decide, record and release for one use. x.mu is held.
func (x *exchange) decideLive(ctx context.Context, u found) ([]byte, error) {
	if x.over {
		return nil, errBody
	}
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
	if err := x.checkSent(u); err != nil {
		return nil, err
	}
	if len(x.uses) > before {
		if err := x.record(); err != nil {
			return nil, err
		}
	}
	if err := x.release(); err != nil {
		return nil, err
	}
	return x.resolved(u)
}

type readCloser struct {
	io.Reader
	io.Closer
}
