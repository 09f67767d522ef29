package mitm

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// upload is the body of a request over HTTP/2 whose client says how much it sends.
type upload struct {
	io.ReadCloser
	left atomic.Int64 // to be read
}

// uploadOf is nil where there is none.
func uploadOf(r *http.Request) *upload {
	if r.ProtoMajor != 2 || r.ContentLength <= smallRest {
		return nil
	}
	u := &upload{ReadCloser: r.Body}
	u.left.Store(r.ContentLength)
	return u
}

func (u *upload) Read(b []byte) (int, error) {
	n, err := u.ReadCloser.Read(b)
	u.left.Add(-int64(n))
	return n, err
}

// ahead is by how much a response comes before its stream is reset, unless the
// client has sent all but smallRest bytes: those will have come by then.
const (
	ahead     = 50 * time.Millisecond
	smallRest = 64 << 10
)

// settle lets a response that is over before the body has come get to the client.
// net/http resets the stream behind it, which is right (RFC 9113, 8.1); but curl 7.88
// for one, if it is in the middle of its sending and meets both at once, says that the
// response breaks off.
func (u *upload) settle(ctx context.Context, x *exchange) {
	if u == nil || u.left.Load() <= smallRest || x.flush(x.client) != nil {
		return
	}
	wait := time.NewTimer(ahead)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}
