package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

// What a program sends to an API, and what comes back.
const (
	usualRequest = "POST /v1/charges?expand[]=customer HTTP/1.1\r\nHost: api.acme.test\r\nUser-Agent: acme-python/7.1.0\r\n" +
		"Accept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nAuthorization: Bearer AS_SECRET_ACME_KEY\r\n" +
		"Idempotency-Key: 2f0e1b0e-7f0b-4d7e-9d39-3d1d2b9c3c55\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 27\r\n\r\n"
	usualResponse = "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 27\r\n" +
		"Connection: keep-alive\r\nCache-Control: no-cache, no-store\r\nRequest-Id: req_JNzPJgV6mCSQcQ\r\nStrict-Transport-Security: max-age=63072000\r\n" +
		"Vary: Origin\r\nX-Content-Type-Options: nosniff\r\n\r\n"
	usualBody = "amount=2000&currency=usd&id"
)

// exchanged is a request and a response that are read and written, with all that
// is used again.
type exchanged struct {
	src      bytes.Reader
	br       *bufio.Reader
	req      Request
	resp     Response
	body     Body
	w        Writer
	buf      [1 << 10]byte
	upWire   []byte
	downWire []byte
}

func newExchanged(request, response string) *exchanged {
	e := &exchanged{upWire: []byte(request), downWire: []byte(response)}
	e.br = bufio.NewReaderSize(&e.src, 4<<10)
	e.w.Reset(bufio.NewWriterSize(io.Discard, 4<<10))
	return e
}

func (e *exchanged) run() error {
	e.src.Reset(e.upWire)
	e.br.Reset(&e.src)
	if err := e.req.Read(e.br, Limits{}); err != nil {
		return err
	}
	if err := e.w.Request(e.req.Method, e.req.Target, EndToEnd(e.req.Fields), e.req.Framing); err != nil {
		return err
	}
	if err := e.pass(e.req.Framing); err != nil {
		return err
	}
	e.req.Release()
	e.src.Reset(e.downWire)
	e.br.Reset(&e.src)
	if err := e.resp.Read(e.br, "POST", Limits{}); err != nil {
		return err
	}
	if err := e.w.Response(e.resp.Status, e.resp.Reason, EndToEnd(e.resp.Fields), e.resp.Framing); err != nil {
		return err
	}
	err := e.pass(e.resp.Framing)
	e.resp.Release()
	return err
}

func (e *exchanged) pass(f Framing) error {
	e.body.Reset(e.br, f)
	for {
		n, err := e.body.Read(e.buf[:])
		if _, werr := e.w.Write(e.buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			return e.w.End(e.body.Trailers())
		}
		if err != nil {
			return err
		}
	}
}

// Heads and bodies cost no allocation once what is pooled is there. The pool may
// be emptied meanwhile, or with the race detector forget: hence not quite none.
func TestAllocates(t *testing.T) {
	chunked := "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	for name, e := range map[string]*exchanged{
		"sized":  newExchanged(usualRequest+usualBody, usualResponse+usualBody),
		"chunks": newExchanged(usualRequest+usualBody, chunked),
	} {
		run := func() {
			if err := e.run(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		run()
		if n := testing.AllocsPerRun(200, run); n > maxAllocations {
			t.Errorf("%s: %.2f allocations an exchange, not at most %d", name, n, maxAllocations)
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	e := newExchanged(usualRequest+usualBody, usualResponse+usualBody)
	b.ReportAllocs()
	for b.Loop() {
		if err := e.run(); err != nil {
			b.Fatal(err)
		}
	}
}

// The head of a request, beside net/http's.
func BenchmarkRequestHead(b *testing.B) {
	var src bytes.Reader
	br := bufio.NewReaderSize(&src, 4<<10)
	head := []byte(usualRequest)
	again := func() {
		src.Reset(head)
		br.Reset(&src)
	}
	b.Run("http1", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(usualRequest)))
		var r Request
		for b.Loop() {
			again()
			if err := r.Read(br, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(usualRequest)))
		for b.Loop() {
			again()
			if _, err := http.ReadRequest(br); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("http1 with Header", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(usualRequest)))
		var r Request
		for b.Loop() {
			again()
			if err := r.Read(br, Limits{}); err != nil {
				b.Fatal(err)
			}
			Merge(nil, r.Fields, Header(r.Fields))
		}
	})
}

func BenchmarkResponseHead(b *testing.B) {
	var src bytes.Reader
	br := bufio.NewReaderSize(&src, 4<<10)
	head := []byte(usualResponse)
	again := func() {
		src.Reset(head)
		br.Reset(&src)
	}
	b.Run("http1", func(b *testing.B) {
		b.ReportAllocs()
		var r Response
		for b.Loop() {
			again()
			if err := r.Read(br, "POST", Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			again()
			if _, err := http.ReadResponse(br, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
