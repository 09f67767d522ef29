package coding

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// bomb is what n zeros come to.
func bomb(t testing.TB, to func(io.Writer) flusher, n int64) []byte {
	var b bytes.Buffer
	w := to(&b)
	if _, err := io.CopyN(w, zeros{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestV4Bomb(t *testing.T) {
	for _, e := range encoders {
		if e.name == "raw, stored" {
			continue
		}
		packed := bomb(t, e.to, 4<<20)
		for _, field := range []string{e.field, e.field + ", gzip"} {
			in := packed
			if field != e.field {
				in = encode(t, encoders[0].to, packed)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n, err := io.Copy(io.Discard, decode(t, field, bytes.NewReader(in)))
			runtime.ReadMemStats(&after)
			if err != ErrTooLarge {
				t.Errorf("%s: %v", field, err)
			}
			if limit := max(freeOutput, int64(maxRatio*len(in))); n > limit {
				t.Errorf("%s: %d bytes of %d came out", field, n, len(in))
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 20<<20 {
				t.Errorf("%s: %d bytes allocated", field, grown)
			} else {
				t.Logf("%s: %d bytes of %d, %d allocated", field, n, len(in), grown)
			}
		}
	}
}

// The one that made a naive proxy allocate 1.8 GB: half a megabyte of gzip.
func TestV4HalfMegabyteBomb(t *testing.T) {
	packed := bytes.Repeat(bomb(t, encoders[0].to, 16<<20), 32)
	if len(packed) < 500_000 {
		t.Fatalf("%d bytes", len(packed))
	}
	n, err := io.Copy(io.Discard, decode(t, "gzip", bytes.NewReader(packed)))
	if err != ErrTooLarge || n > 2<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// Well compressed but honest bodies pass: short ones at any ratio.
func TestV4Ratio(t *testing.T) {
	for _, e := range encoders {
		n, err := io.Copy(io.Discard, decode(t, e.field, bytes.NewReader(bomb(t, e.to, freeOutput))))
		if n != freeOutput || err != nil {
			t.Errorf("%s: %d bytes, %v", e.name, n, err)
		}
	}
	var text []byte
	for line := range bytes.Lines(someText(30_000)) {
		text = append(append(text, line...), make([]byte, 4000)...)
	}
	packed := encode(t, encoders[0].to, text)
	if ratio := len(text) / len(packed); len(text) < 2*freeOutput || ratio < 50 || ratio > maxRatio {
		t.Fatalf("%d bytes of %d", len(text), len(packed))
	}
	got, err := io.ReadAll(decode(t, "gzip", bytes.NewReader(packed)))
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
	}
}

func TestWindow(t *testing.T) {
	wide, err := zstd.NewWriter(nil, zstd.WithWindowSize(16<<20))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	wide.Reset(&b)
	wide.Write(someText(1000))
	wide.Flush() // before the end, so that the frame cannot be a small one
	wide.Close()
	if n, err := io.Copy(io.Discard, decode(t, "zstd", &b)); err == nil || n != 0 {
		t.Errorf("a window of 16 MiB: %d bytes, %v", n, err)
	}
}
