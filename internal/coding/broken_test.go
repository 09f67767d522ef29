package coding

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// Cut anywhere, a body does not end cleanly; its beginning still comes.
func TestTruncated(t *testing.T) {
	text := someText(2000)
	for _, e := range encoders {
		packed := encode(t, e.to, text)
		for n := 1; n < len(packed); n++ {
			got, err := io.ReadAll(decode(t, e.field, bytes.NewReader(packed[:n])))
			if err != io.ErrUnexpectedEOF || !bytes.HasPrefix(text, got) {
				t.Fatalf("%s, %d of %d bytes: %d bytes, %v", e.name, n, len(packed), len(got), err)
			}
		}
	}
}

func TestStackedTruncated(t *testing.T) {
	text := someText(2000)
	for _, a := range encoders {
		for _, b := range encoders {
			inner := encode(t, a.to, text)
			outer := encode(t, b.to, inner)
			for _, packed := range [][]byte{outer[:len(outer)-1], outer[:len(outer)/2], outer[:1], encode(t, b.to, inner[:len(inner)-1])} {
				if _, err := io.ReadAll(decode(t, a.field+","+b.field, bytes.NewReader(packed))); err != io.ErrUnexpectedEOF {
					t.Errorf("%s, %s: %v", a.name, b.name, err)
				}
			}
		}
	}
}

// Bare DEFLATE may begin much like zlib's header: here with a stored block whose
// unused bits are set.
func TestBareDeflateThatLooksLikeZlib(t *testing.T) {
	for _, first := range []byte{0x00, 0x08, 0x78, 0x88} {
		for n := 1; n < 256; n++ {
			text := someText(n)
			if (first == 0x08 || first == 0x78) && (int(first)<<8+n)%31 == 0 {
				continue // nothing tells them apart
			}
			packed := append([]byte{first, byte(n), 0, ^byte(n), 0xff}, text...)
			packed = append(packed, 1, 0, 0, 0xff, 0xff)
			if got, err := io.ReadAll(decode(t, "deflate", bytes.NewReader(packed))); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%#x, %d bytes: %q, %v", first, n, got, err)
			}
		}
	}
}

func TestBadSecondMember(t *testing.T) {
	first := string(encode(t, encoders[0].to, []byte("first")))
	for tail, want := range map[string]string{
		"\x1f\x8b":                   io.ErrUnexpectedEOF.Error(),
		"\x1f\x8b\x08\x00":           io.ErrUnexpectedEOF.Error(),
		"\x1f\x8b and then nonsense": "decode gzip: gzip: invalid header",
		first[:len(first)-3]:         io.ErrUnexpectedEOF.Error(),
	} {
		got, err := io.ReadAll(decode(t, "gzip", strings.NewReader(first+tail)))
		if !strings.HasPrefix(string(got), "first") || err == nil || err.Error() != want {
			t.Errorf("%q: %q, %v", tail, got, err)
		}
	}
}

// An error of the source comes out as it is, also where the format was at an end.
func TestErrorOfSource(t *testing.T) {
	text := someText(2000)
	failed := errors.New("connection lost")
	for _, e := range encoders {
		packed := encode(t, e.to, text)
		for _, want := range []error{failed, io.ErrUnexpectedEOF} {
			for _, n := range []int{0, 1, 2, len(packed) / 2, len(packed)} {
				src := io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(want))
				r := decode(t, e.field, src)
				got, err := io.ReadAll(r)
				if err != want || !bytes.HasPrefix(text, got) || n == len(packed) && len(got) != len(text) {
					t.Errorf("%s, %d bytes: %d bytes, %v", e.name, n, len(got), err)
				}
				if _, again := r.Read(make([]byte, 1)); again != want {
					t.Errorf("%s: then %v", e.name, again)
				}
			}
		}
	}
}

func TestTrailingBytes(t *testing.T) {
	text := someText(2000)
	for _, e := range encoders {
		for _, tail := range []string{"\x00\x00\x00", "\x1f", "x", strings.Repeat("garbage", 2000)} {
			got, err := io.ReadAll(decode(t, e.field, io.MultiReader(bytes.NewReader(encode(t, e.to, text)), strings.NewReader(tail))))
			if !bytes.Equal(got, text) {
				t.Errorf("%s: %d bytes", e.name, len(got))
			}
			if strict := e.field == "zstd"; strict != (err != nil) {
				t.Errorf("%s and %d bytes: %v", e.name, len(tail), err)
			}
		}
	}
}

func TestCorrupt(t *testing.T) {
	for _, e := range encoders {
		r := decode(t, e.field, strings.NewReader("\xffthis is nothing of the kind, though long enough"))
		if _, err := io.Copy(io.Discard, r); err == nil || !strings.HasPrefix(err.Error(), "decode ") {
			t.Errorf("%s: %v", e.name, err)
		}
	}
}
