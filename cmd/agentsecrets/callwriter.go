package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// callWriter is the http.ResponseWriter of a call: the body streams to standard
// output, or becomes part of an envelope, such as the one line of --output json.
type callWriter struct {
	app     *app
	include bool
	keeps   bool // the body becomes part of an envelope
	start   time.Time
	most    int    // bytes of the body that are kept; 0: all
	full    func() // is called once, when there is more than that

	header    http.Header
	status    int
	body      bytes.Buffer // of a refusal, and of everything where the body is kept
	truncated bool         // there was more
	refusal   bool         // the body is ours
	result    *mitm.Result
	cut       bool  // the origin broke off
	stopped   bool  // we were told to end, by Ctrl-C or else, before the response had
	unwritten error // of standard output
}

func (a *app) newCallWriter(include bool) *callWriter {
	return &callWriter{app: a, include: include, keeps: a.output == "json", start: time.Now(), header: http.Header{}}
}

func (w *callWriter) Header() http.Header { return w.header }

func (w *callWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	// Where this is the origin's own, its body goes out at the end.
	w.refusal = w.header.Get("Content-Type") == "application/problem+json"
	if w.include && !w.keeps && !w.refusal {
		fmt.Fprintf(w.app.stdout, "HTTP %d %s\r\n", status, http.StatusText(status))
		_ = w.header.Write(w.app.stdout)
		_, _ = io.WriteString(w.app.stdout, "\r\n")
	}
}

func (w *callWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.keeps || w.refusal {
		return w.keep(b), nil
	}
	n, err := w.app.stdout.Write(b)
	if err != nil {
		w.unwritten = err
	}
	return n, err
}

// keep adds to the body what there is room for.
func (w *callWriter) keep(b []byte) int {
	n := len(b)
	if room := w.most - w.body.Len(); w.most > 0 && n > room {
		b = b[:room]
		if !w.truncated {
			w.truncated = true
			w.full()
		}
	}
	w.body.Write(b)
	return n
}

// Flush has nothing to do: nothing is held back.
func (w *callWriter) Flush() {}

// exchange runs f and notes how it ended. Where the origin breaks off in the
// middle the proxy aborts, as handlers of net/http do.
func (w *callWriter) exchange(f func() *mitm.Result) error {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			w.cut = true
		}
	}()
	w.result = f()
	return nil
}

// end is what the call ends with. told says that we were told to end: where the whole
// response had come by then, it counts, and so does what went wrong after it.
func (w *callWriter) end(told bool, err error) error {
	w.stopped = told && (w.cut || w.status == 0)
	if err != nil && !w.stopped {
		return w.fail(err)
	}
	return w.finish()
}

// failed is why the call is a failure, nil if it is none.
func (w *callWriter) failed() *failure {
	switch {
	case w.stopped:
		return &failure{code: exitInterrupted, err: errInterrupted}
	case w.unwritten != nil:
		return &failure{code: exitFailure, err: fmt.Errorf("write the response: %w", w.unwritten)}
	case w.cut:
		return &failure{code: exitFailure, err: errors.New("origin_protocol: the API broke off in the middle of its response")}
	case w.result != nil && w.result.Refused != nil:
		p := w.result.Refused
		return &failure{code: refusalCode(p), err: p, hint: p.Hint}
	case w.status >= 400:
		return &failure{code: exitFailure, err: fmt.Errorf("upstream_error: the API answered %d %s", w.status, http.StatusText(w.status))}
	}
	return nil
}

// errInterrupted: a call that ended before its response did is no success.
var errInterrupted = errors.New("interrupted; the API may have got the request")

func refusalCode(p *mitm.Problem) int {
	switch {
	case p.Status == http.StatusFailedDependency:
		return exitNotFound
	case p.Status == http.StatusForbidden:
		return exitDenied
	case p.Status == http.StatusBadRequest:
		return exitUsage
	}
	return exitFailure
}

// envelope is the one line of --output json.
type envelope struct {
	Status       int         `json:"status"`
	Headers      http.Header `json:"headers"`
	Body         string      `json:"body"`
	BodyEncoding string      `json:"body_encoding,omitempty"` // base64 where the body is no UTF-8
	Redacted     bool        `json:"redacted"`
	DurationMS   int64       `json:"duration_ms"`
	Error        string      `json:"error,omitempty"`
}

// envelope is what there is of the response.
func (w *callWriter) envelope() envelope {
	maps.DeleteFunc(w.header, func(_ string, lines []string) bool { return lines == nil }) // by which net/http is told to add none
	e := envelope{Status: w.status, Headers: w.header, Body: w.body.String(), DurationMS: time.Since(w.start).Milliseconds()}
	e.Redacted = w.result != nil && w.result.Redactions > 0
	if !utf8.Valid(w.body.Bytes()) {
		e.Body, e.BodyEncoding = base64.StdEncoding.EncodeToString(w.body.Bytes()), "base64"
	}
	return e
}

// finish writes what is still to be written.
func (w *callWriter) finish() error {
	f := w.failed()
	if !w.keeps {
		if w.refusal && (w.result == nil || w.result.Refused == nil) { // the origin's own problem+json
			_, _ = w.app.stdout.Write(w.body.Bytes())
		}
		if f == nil {
			return nil
		}
		return f
	}
	e := w.envelope()
	if f != nil {
		e.Error = agents.Masked(f.Error())
	}
	if err := w.app.writeLine(e); err != nil || f == nil {
		return err
	}
	if f.code != exitInterrupted {
		f.code = exitFailure
	}
	return f
}

// fail is a call that did not come to an exchange.
func (w *callWriter) fail(err error) error {
	if !w.keeps {
		return err
	}
	e := envelope{Headers: http.Header{}, Error: agents.Masked(err.Error()), DurationMS: time.Since(w.start).Milliseconds()}
	if encodeErr := w.app.writeLine(e); encodeErr != nil {
		return encodeErr
	}
	return &failure{code: exitFailure, err: err}
}
