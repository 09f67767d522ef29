package mitm

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/coding"
	"github.com/agentsecrets/agentsecrets/internal/engine"
	"github.com/agentsecrets/agentsecrets/redact"
)

// Responses: every value that the run was ever given is taken out of heads,
// bodies and trailers, with the same number of bytes put in its place.

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// askForReadable makes sure that what comes back can be searched.
func (x *exchange) askForReadable(out *http.Request) {
	h := out.Header
	h.Del("Sec-Websocket-Extensions") // permessage-deflate: every message is looked at
	if x.reaches || !x.run.released.Empty() {
		h.Del("A-Im")           // codings and deltas by another name (RFC 3229)
		h.Del("Accept-Charset") // UTF-16 and Latin-1 can be searched, no other
	}
	switch {
	case x.reaches:
		h.Set("Accept-Encoding", "identity")
		x.askForMessages(h)
	case !x.run.released.Empty():
		if lines, ok := h["Accept-Encoding"]; ok {
			h.Set("Accept-Encoding", readable(lines))
		}
		x.askForMessages(h)
	}
	if x.mayHoldValue() {
		if !x.sentWith.Range {
			h.Del("Range") // a slice may begin inside a value
			h.Del("If-Range")
		}
		if tag := h.Get("If-Range"); tag != "" {
			h.Set("If-Range", strings.TrimPrefix(tag, "W/"))
		}
		for i, tags := range h["If-Match"] {
			h["If-Match"][i] = strings.ReplaceAll(tags, `W/"`, `"`) // see weaken; a weak one would never match
		}
	}
}

// mayHoldValue reports whether the origin may have kept a value: its host got
// one in this run, or may get one and the run has released some.
func (x *exchange) mayHoldValue() bool {
	_, gave := x.run.gave.Load(x.dest.host)
	return gave || x.reaches && !x.run.released.Empty()
}

// readable keeps the codings that we can decode.
func readable(lines []string) string {
	var keep []string
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(item, ";")
			switch strings.ToLower(textproto.TrimString(name)) {
			case "gzip", "x-gzip", "deflate", "br", "zstd", "identity":
				keep = append(keep, textproto.TrimString(item))
			}
		}
	}
	if len(keep) == 0 {
		return "identity"
	}
	return strings.Join(keep, ", ")
}

func (x *exchange) respond(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		x.upgrade(w, r, resp)
		return
	}
	x.clock.from = x.proxy.cfg.now()
	defer func() { x.clock.stop(x.proxy.cfg.now()) }()
	if bodiless(r.Method, resp.StatusCode) {
		resp.Body = http.NoBody // net/http misses what a 304 over HTTP/2 tells the length of
	}
	if resp.Body != http.NoBody {
		resp.Body = awaited{resp.Body, x}
	}
	size := wholeSize(resp)
	body, err := x.decoded(r, resp)
	if err != nil {
		x.refuse(w, err)
		return
	}
	defer body.Close()
	redacted := x.searched(resp, body, size)
	defer shut(redacted)
	if err := x.writeHead(w, r, resp); err != nil {
		x.echoes.Add(redacted.Counts())
		x.refuse(w, err)
		return
	}
	err = x.copyBody(w, redacted, resp.ContentLength)
	x.echoes.Add(redacted.Counts())
	if err != nil {
		if x.endsAs(w, r, err) {
			return
		}
		x.breakOff(r, err)
	}
	if hasTrailers(r, resp) {
		if err := x.writeTrailer(w, resp); err != nil {
			x.breakOff(r, err)
		}
	}
}

// breakOff ends a response in its middle.
func (x *exchange) breakOff(r *http.Request, err error) {
	x.brokenOff(r, err)
	x.giveUp(r)
	panic(http.ErrAbortHandler) // the client must not take a part for the whole
}

// bodiless reports whether a response has no body, whatever its fields say (RFC
// 9110, 6.4.1).
func bodiless(method string, status int) bool {
	return method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
}

// hasTrailers reports whether trailers that were announced will come to the
// client: HTTP/1.0 knows none.
func hasTrailers(r *http.Request, resp *http.Response) bool {
	return len(resp.Trailer) > 0 && r.ProtoAtLeast(1, 1) && !bodiless(r.Method, resp.StatusCode)
}

// searched is body without echoes.
func (x *exchange) searched(resp *http.Response, body io.Reader, size int64) searched {
	if f, ok := framingOf(resp.Header); ok && resp.Body != http.NoBody {
		if x.mayHoldValue() {
			weaken(resp.Header)
		}
		return x.framed(f, resp, body, size)
	}
	redacted := redact.NewBodyReader(body, x.released, size)
	if whole := redacted.ReadAhead(); whole && redacted.Counts().Total() > 0 || !whole && x.mayHoldValue() {
		weaken(resp.Header)
	}
	return redacted
}

// giveUp lets the client have what came before the end, as it would have without us.
func (x *exchange) giveUp(r *http.Request) {
	if r.Context().Err() == nil && x.client.SetWriteDeadline(time.Now().Add(giveUpIn)) == nil {
		_ = x.client.Flush()
	}
}

// giveUpIn is how long a client may take to read the rest of what breaks off.
const giveUpIn = 500 * time.Millisecond

// brokenOff notes why a response could not be passed on whole.
func (x *exchange) brokenOff(r *http.Request, err error) {
	var message *messageError
	var why *Problem
	switch {
	case r.Context().Err() != nil, errors.Is(err, errNotTaken): // the client left first
		x.status = statusClientLeft
	case errors.As(err, &why):
		x.stopped(why)
	case errors.Is(err, coding.ErrTooLarge), errors.As(err, &message):
		x.broken = "undecodable_response"
	default:
		x.broken = "origin_protocol"
	}
}

// wholeSize is the length that a body announces if it may be read before any of
// it is passed on, else 0: events are waited for one by one.
func wholeSize(resp *http.Response) int64 {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if resp.Body == http.NoBody || strings.EqualFold(textproto.TrimString(kind), "text/event-stream") {
		return 0
	}
	return resp.ContentLength
}

// decoded undoes content codings where a value may be in the body.
func (x *exchange) decoded(r *http.Request, resp *http.Response) (io.ReadCloser, error) {
	if !x.reaches && x.run.released.Empty() {
		return resp.Body, nil
	}
	if resp.StatusCode == http.StatusIMUsed || len(resp.Header["Im"]) > 0 {
		return nil, &Problem{Status: 502, Slug: "undecodable_response", Message: "the origin sent what cannot be searched for values: a delta, or a coding by another name"}
	}
	part := resp.StatusCode == http.StatusPartialContent
	if x.mayHoldValue() && !x.sentWith.Range {
		if part {
			return nil, &Problem{Status: 502, Slug: "undecodable_response", Message: "the origin sent a part that was not asked for"}
		}
		resp.Header.Del("Accept-Ranges")
	}
	if !x.run.released.Empty() {
		dropDigests(resp.Header)
	}
	coded := strings.Join(resp.Header["Content-Encoding"], ", ")
	if coded == "" || strings.EqualFold(coded, "identity") {
		return resp.Body, nil
	}
	if part && x.mayHoldValue() {
		return nil, &Problem{Status: 502, Slug: "undecodable_response", Message: "a part of what the origin has compressed cannot be searched for values"}
	}
	body, err := coding.Decode(coded, resp.Body)
	bodiless := r.Method == http.MethodHead || resp.Body == http.NoBody || resp.ContentLength == 0
	switch {
	case err == nil:
		x.decodes = true
		passAsIdentity(resp)
		return body, nil
	case bodiless:
		return resp.Body, nil
	}
	return nil, &Problem{Status: 502, Slug: "undecodable_response", Message: "the origin used a content coding that cannot be searched for values"}
}

// passAsIdentity makes the head of a response, which may be one to HEAD or a 304,
// that of the same content without codings.
func passAsIdentity(resp *http.Response) {
	resp.Header.Del("Content-Encoding")
	if resp.ContentLength != 0 || resp.Header.Get("Content-Length") != "0" {
		resp.Header.Del("Content-Length")
		resp.ContentLength = -1
	}
	dropDigests(resp.Header)
	weaken(resp.Header)
}

// weaken makes of the entity tag one that does not promise the bytes that it was
// made for (RFC 9110, 8.8.1).
func weaken(h http.Header) {
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("Etag", "W/"+tag)
	}
}

// dropDigests takes out what tells of bytes that the client does not get, in
// heads and trailers alike.
func dropDigests(h http.Header) {
	for _, f := range []string{"Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
		h.Del(f)
	}
}

// writeHead says why nothing was written, if that is so.
func (x *exchange) writeHead(w http.ResponseWriter, r *http.Request, resp *http.Response) error {
	h := w.Header()
	for k, vs := range resp.Header {
		h[k] = vs
	}
	trailer := h["Trailer"]
	removeHopByHop(h)
	h.Del("Alt-Svc") // HTTP/3 would go past us
	h.Del(redactedField)
	x.binaryFields(h)
	before := x.echoes.Total()
	x.coverSpanning(h)
	x.coverNames(h, engine.FieldsOf(resp))
	x.echoes.Add(x.released.Header(h))
	if n := x.echoes.Total() - before; n > 0 {
		h.Set(redactedField, strconv.Itoa(n))
	}
	reason := x.reasonOf(resp)
	if err := x.withinBudget(); err != nil {
		clear(h)
		return err
	}
	h.Set(exchangeField, x.id)
	for _, own := range []string{"Date", "Content-Type"} {
		if _, ok := h[own]; !ok {
			h[own] = nil // or net/http adds its own
		}
	}
	trailers := hasTrailers(r, resp)
	if trailers {
		x.announce(h, trailer, resp.Trailer)
	}
	if trailers && r.ProtoMajor == 1 {
		h.Del("Content-Length") // HTTP/2 has both; HTTP/1.1 trailers need chunks (RFC 9112, 7.1.2)
	}
	if resp.ProtoMajor == 1 { // else there is none
		engine.Say(w, reason)
	}
	x.answered = true
	w.WriteHeader(resp.StatusCode)
	if resp.ContentLength < 0 || trailers {
		http.NewResponseController(w).Flush() // a stream may be silent after its head
	}
	return nil
}

// announce tells of trailers in the origin's words, where it has some.
func (x *exchange) announce(h http.Header, lines []string, trailer http.Header) {
	if len(trailer) == 0 {
		return
	}
	if lines == nil {
		lines = slices.Sorted(maps.Keys(trailer))
	}
	for _, line := range lines {
		names, _ := x.run.released.Name([]byte(line)) // writeTrailer counts them
		h.Add("Trailer", string(names))
	}
}

// reasonOf is what the origin gives for its status, over HTTP/1.
func (x *exchange) reasonOf(resp *http.Response) string {
	if resp.ProtoMajor != 1 {
		return ""
	}
	_, text, _ := strings.Cut(resp.Status, " ")
	reason, echoes := x.released.Value([]byte(text))
	x.echoes.Add(echoes)
	return string(reason)
}

const redactedField = "Agentsecrets-Redacted" // as net/http has it

// copyBody passes on what there is, at once when the source has no more at
// hand. remaining is what the head announced, -1 if nothing.
func (x *exchange) copyBody(w http.ResponseWriter, src searched, remaining int64) error {
	defer x.heldBack(0)
	rc := http.NewResponseController(w)
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		x.heldBack(src.Held())
		if over := x.withinBudget(); over != nil {
			return over
		}
		if n > 0 {
			if err := x.give(w, buf[:n]); err != nil {
				return err
			}
			remaining -= int64(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n < len(buf) && remaining != 0 {
			if err := x.flush(rc); err != nil {
				return err
			}
		}
	}
}

// writeTrailer passes trailers on, announced or not.
func (x *exchange) writeTrailer(w http.ResponseWriter, resp *http.Response) error {
	t := resp.Trailer.Clone()
	if x.decodes || !x.run.released.Empty() {
		dropDigests(t)
	}
	x.binaryFields(t)
	x.coverSpanning(t)
	x.coverNames(t, engine.TrailersOf(resp))
	x.echoes.Add(x.released.Header(t))
	if err := x.withinBudget(); err != nil {
		return err
	}
	h := w.Header()
	announced := map[string]bool{}
	for _, line := range h["Trailer"] {
		for k := range strings.SplitSeq(line, ",") {
			announced[http.CanonicalHeaderKey(textproto.TrimString(k))] = true
		}
	}
	engine.KeepTrailers(w, engine.TrailersOf(resp))
	for k, vs := range t {
		if !announced[k] {
			k = http.TrailerPrefix + k
		}
		h[k] = vs
	}
	return nil
}
