package engine

import (
	"context"
	"net/http"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

type fieldsKey struct{}

// WithFields makes the order and case of fields those of the requests that a
// Transport sends with ctx. The requests that a Server hands out have them.
func WithFields(ctx context.Context, fields []http1.Field) context.Context {
	return context.WithValue(ctx, fieldsKey{}, fields)
}

func fieldsFrom(ctx context.Context) []http1.Field {
	fields, _ := ctx.Value(fieldsKey{}).([]http1.Field)
	return fields
}

// FieldsOf are the fields of a response of a Transport as the origin wrote them,
// until its body is closed; nil for other responses.
func FieldsOf(resp *http.Response) []http1.Field {
	if o, ok := resp.Body.(interface{ fields() []http1.Field }); ok {
		return o.fields()
	}
	return nil
}

// Keep makes w, if it is a Server's, write fields in the order and case of like.
func Keep(w http.ResponseWriter, like []http1.Field) {
	if r, ok := w.(*response); ok {
		r.like = like
	}
}
