package engine

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// like is a message as it was written: the order and case of its fields, and of
// its trailers once the body has ended.
type like struct {
	fields   []http1.Field
	trailers []http1.Field
}

type likeKey struct{}

// withLike makes the order and case of fields those of the requests that a
// Transport sends with ctx. The requests that a Server hands out have them.
func withLike(ctx context.Context, l *like) context.Context {
	return context.WithValue(ctx, likeKey{}, l)
}

// likeOf is empty for what is no request of a Server's.
func likeOf(ctx context.Context) *like {
	if l, ok := ctx.Value(likeKey{}).(*like); ok {
		return l
	}
	return &like{}
}

// copied are fields in memory of their own.
func copied(fields []http1.Field) (all []http1.Field) {
	for _, f := range fields {
		all = append(all, http1.Field{Name: bytes.Clone(f.Name), Value: bytes.Clone(f.Value)})
	}
	return all
}

// values are those of the fields of that name.
func (l *like) values(name string) (values []string) {
	for _, f := range l.fields {
		if bytes.EqualFold(f.Name, []byte(name)) {
			values = append(values, string(f.Value))
		}
	}
	return values
}

// FieldsOf are the fields of a response of a Transport as the origin wrote them,
// until its body is closed; nil for other responses.
func FieldsOf(resp *http.Response) []http1.Field {
	if b, ok := innermost(resp.Body).(*originBody); ok {
		return b.c.resp.Fields
	}
	return nil
}

// TrailersOf are the trailers, once the body was read to its end.
func TrailersOf(resp *http.Response) []http1.Field {
	if b, ok := innermost(resp.Body).(*originBody); ok {
		return b.c.body.Trailers()
	}
	return nil
}

// innermost is the body that a reader says it wraps.
func innermost(b io.ReadCloser) io.ReadCloser {
	switch t := b.(type) {
	case interface{ Unwrap() io.ReadCloser }:
		return innermost(t.Unwrap())
	case *switched:
		return t.originBody
	}
	return b
}

// Keep makes w, if it is a Server's, write fields in the order and case of fields.
func Keep(w http.ResponseWriter, fields []http1.Field) {
	if r, ok := w.(*response); ok {
		r.like = fields
	}
}

// KeepTrailers is Keep for the trailers, which may be gone when it has returned.
func KeepTrailers(w http.ResponseWriter, fields []http1.Field) {
	if r, ok := w.(*response); ok {
		r.likeTrailers = copied(fields)
	}
}

// Say makes w, if it is a Server's, give reason for the status that is written
// next, where it would be the one that is usual.
func Say(w http.ResponseWriter, reason string) {
	if r, ok := w.(*response); ok {
		r.said, r.c.reason = true, append(r.c.reason[:0], reason...)
	}
}

type earlyKey struct{}

// WithEarly makes a Transport tell f of the informational responses to requests
// with ctx, whose parts are valid until f returns. Others learn of them by httptrace.
func WithEarly(ctx context.Context, f func(*http1.Response) error) context.Context {
	return context.WithValue(ctx, earlyKey{}, f)
}

// Serves reports whether w is a Server's.
func Serves(w http.ResponseWriter) bool {
	_, ok := w.(*response)
	return ok
}
