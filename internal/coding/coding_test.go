package coding

import (
	"bytes"
	stdflate "compress/flate"
	stdgzip "compress/gzip"
	stdzlib "compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

type flusher interface {
	io.WriteCloser
	Flush() error
}

type encoder struct {
	name, field string
	to          func(io.Writer) flusher
}

// encoders are not ours; where there is a choice, not of the library that decodes.
var encoders = []encoder{
	{"gzip", "gzip", func(w io.Writer) flusher { return stdgzip.NewWriter(w) }},
	{"zlib", "deflate", func(w io.Writer) flusher { return stdzlib.NewWriter(w) }},
	{"raw", "deflate", func(w io.Writer) flusher { z, _ := stdflate.NewWriter(w, 6); return z }},
	{"raw, stored", "deflate", func(w io.Writer) flusher { z, _ := stdflate.NewWriter(w, 0); return z }},
	{"brotli", "br", func(w io.Writer) flusher { return brotli.NewWriter(w) }},
	{"zstd", "zstd", func(w io.Writer) flusher { z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)); return z }},
}

func encode(t testing.TB, to func(io.Writer) flusher, text []byte) []byte {
	var b bytes.Buffer
	w := to(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t testing.TB, field string, src io.Reader) io.ReadCloser {
	t.Helper()
	r, err := Decode(field, src)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func someText(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "line %d of many %x\n", b.Len(), r.Uint64())
	}
	return b.Bytes()[:n]
}

func TestDecode(t *testing.T) {
	text := someText(100_000)
	for _, e := range encoders {
		packed := encode(t, e.to, text)
		for _, field := range []string{e.field, strings.ToUpper(e.field), " identity , " + e.field + "\t,", e.field + ", identity"} {
			if err := iotest.TestReader(decode(t, field, bytes.NewReader(packed)), text); err != nil {
				t.Errorf("%s as %q: %v", e.name, field, err)
			}
		}
		for _, src := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
			if got, err := io.ReadAll(decode(t, e.field, src(bytes.NewReader(packed)))); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s: %d bytes, %v", e.name, len(got), err)
			}
		}
	}
	for _, field := range []string{"", "identity", " , "} {
		if err := iotest.TestReader(decode(t, field, bytes.NewReader(text)), text); err != nil {
			t.Errorf("%q: %v", field, err)
		}
	}
	if err := iotest.TestReader(decode(t, "x-gzip", bytes.NewReader(encode(t, encoders[0].to, text))), text); err != nil {
		t.Error(err)
	}
}

// Short texts of every length end at every bit of a byte, and in every state of a
// decoder that is given one byte at a time.
func TestBrotliByteByByte(t *testing.T) {
	e := encoders[slices.IndexFunc(encoders, func(e encoder) bool { return e.field == "br" })]
	for n := range 400 {
		text := someText(1000)[n : 2*n+1]
		got, err := io.ReadAll(decode(t, e.field, iotest.OneByteReader(bytes.NewReader(encode(t, e.to, text)))))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
	}
}

func TestStacked(t *testing.T) {
	text := someText(50_000)
	for _, a := range encoders {
		for _, b := range encoders {
			packed := encode(t, b.to, encode(t, a.to, text))
			got, err := io.ReadAll(decode(t, a.field+", "+b.field, bytes.NewReader(packed)))
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s, %s: %d bytes, %v", a.name, b.name, len(got), err)
			}
		}
	}
}

func TestUnknown(t *testing.T) {
	secret := "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
	for _, field := range []string{"compress", "gzip, " + secret, "exi", "gzip;q=1", "dcb", "gzip,gzip,gzip,gzip,gzip"} {
		_, err := Decode(field, strings.NewReader(""))
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", field, err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows the field: %v", err)
		}
	}
}

// blocked fails the test when it is read.
type blocked struct{ t *testing.T }

func (b blocked) Read([]byte) (int, error) {
	b.t.Error("the source was read")
	return 0, io.EOF
}

func TestDecodeReadsNothing(t *testing.T) {
	for _, e := range encoders {
		decode(t, e.field+","+e.field, blocked{t})
	}
}

// Whatever has been flushed comes out while the source waits.
func TestFlushedPassesAtOnce(t *testing.T) {
	for _, outer := range encoders {
		t.Run(outer.name, func(t *testing.T) {
			pr, pw := io.Pipe()
			defer pr.Close()
			events := make(chan []byte)
			go writeAndFlush(outer.to(pw), pw, events)
			r := decode(t, outer.field, pr)
			buf := make([]byte, 1000)
			for i := range 20 {
				event := fmt.Appendf(nil, "data: event %d %s\n\n", i, strings.Repeat("x", i*40))
				events <- event
				if _, err := io.ReadFull(r, buf[:len(event)]); err != nil || !bytes.Equal(buf[:len(event)], event) {
					t.Fatalf("event %d: %q, %v", i, buf[:len(event)], err)
				}
			}
			close(events)
			if n, err := r.Read(buf); n != 0 || err != io.EOF {
				t.Fatalf("at the end: %d, %v", n, err)
			}
		})
	}
}

func writeAndFlush(w flusher, pw *io.PipeWriter, events <-chan []byte) {
	for event := range events {
		w.Write(event)
		w.Flush()
	}
	w.Close()
	pw.Close()
}

// Some origins send each event as a member of its own.
func TestMembersPassAtOnce(t *testing.T) {
	for _, e := range encoders {
		if e.name != "gzip" && e.name != "zstd" {
			continue
		}
		pr, pw := io.Pipe()
		r := decode(t, e.field, pr)
		buf := make([]byte, 100)
		for i := range 5 {
			event := fmt.Appendf(nil, "data: %d\n\n", i)
			go pw.Write(encode(t, e.to, event))
			if n, err := r.Read(buf); err != nil || !bytes.Equal(buf[:n], event) {
				t.Fatalf("%s: %q, %v", e.name, buf[:n], err)
			}
		}
		pr.Close()
	}
}

func TestConcatenated(t *testing.T) {
	text := someText(3000)
	for _, e := range encoders {
		if e.name != "gzip" && e.name != "zstd" {
			continue
		}
		packed := bytes.Join([][]byte{encode(t, e.to, text[:10]), encode(t, e.to, nil), encode(t, e.to, text[10:])}, nil)
		if err := iotest.TestReader(decode(t, e.field, bytes.NewReader(packed)), text); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
	}
	empty := encode(t, encoders[0].to, nil)
	got, err := io.ReadAll(decode(t, "gzip", bytes.NewReader(bytes.Repeat(empty, 20_000))))
	if len(got) != 0 || err != nil {
		t.Errorf("many empty members: %d bytes, %v", len(got), err)
	}
}

func TestEmpty(t *testing.T) {
	for _, e := range encoders {
		if got, err := io.ReadAll(decode(t, e.field+", gzip", strings.NewReader(""))); len(got) != 0 || err != nil {
			t.Errorf("%s: %d bytes, %v", e.name, len(got), err)
		}
	}
}

func TestClosed(t *testing.T) {
	for _, e := range encoders {
		r := decode(t, e.field, bytes.NewReader(encode(t, e.to, someText(100_000))))
		if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Read(make([]byte, 10)); err != os.ErrClosed {
			t.Errorf("%s: %v", e.name, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range encoders {
		f.Add(e.field, encode(f, e.to, someText(300)))
		f.Add(e.field+",gzip", encode(f, encoders[0].to, encode(f, e.to, someText(300))))
	}
	f.Fuzz(func(t *testing.T, field string, packed []byte) {
		whole, err := Decode(field, bytes.NewReader(packed))
		if err != nil {
			if err != ErrUnknown {
				t.Fatal(err)
			}
			return
		}
		defer whole.Close()
		want, wantErr := io.ReadAll(whole)
		if len(want) > freeOutput && len(want) > maxRatio*len(packed) {
			t.Fatalf("%d bytes of %d", len(want), len(packed))
		}
		slow, _ := Decode(field, iotest.OneByteReader(bytes.NewReader(packed)))
		defer slow.Close()
		got, gotErr := io.ReadAll(slow)
		if (gotErr == nil) != (wantErr == nil) || gotErr == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes and %v at once, %d bytes and %v byte by byte", len(want), wantErr, len(got), gotErr)
		}
	})
}
