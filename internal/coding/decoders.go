package coding

import (
	"bufio"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// A gzipReader reads one member after another (RFC 1952 2.2). The library would
// do that too, but looks for the next member before it gives the end of this one;
// an origin may send one for each event.
type gzipReader struct {
	*gzip.Reader
	src   *bufio.Reader
	ended bool // the member is
}

func openGzip(src *bufio.Reader) (io.ReadCloser, error) {
	z, err := gzip.NewReader(src)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipReader{Reader: z, src: src}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		if g.ended {
			if err := g.next(); err != nil {
				return 0, err
			}
		}
		n, err := g.Reader.Read(p)
		if err != io.EOF {
			return n, err
		}
		if g.ended = true; n > 0 {
			return n, nil
		}
	}
}

// next begins another member, or reports io.EOF where there is none.
func (g *gzipReader) next() error {
	magic, err := g.src.Peek(2)
	if err != nil {
		return err
	}
	if magic[0] != 0x1f || magic[1] != 0x8b {
		return io.EOF
	}
	if err := g.Reset(g.src); err != nil {
		return err
	}
	g.Multistream(false)
	g.ended = false
	return nil
}

// openDeflate takes zlib's format, which RFC 9110 8.4.1.2 asks for, and bare
// DEFLATE, which some servers send: a zlib header has its method in the lower
// half of the first byte and is a multiple of 31 (RFC 1950 2.2).
func openDeflate(src *bufio.Reader) (io.ReadCloser, error) {
	h, err := src.Peek(2)
	if err == io.EOF { // after one byte
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if h[0]&0x0f == 8 && h[0]>>4 <= 7 && (int(h[0])<<8|int(h[1]))%31 == 0 {
		return zlib.NewReader(src)
	}
	return flate.NewReader(src), nil
}

func openBrotli(src *bufio.Reader) (io.ReadCloser, error) {
	return io.NopCloser(brotliReader{brotli.NewReader(src)}), nil
}

// A brotliReader ends where the format does. The library calls it an error when
// more follows, and also where nothing does: it takes the last bytes that it used
// for unused ones if they came one by one.
type brotliReader struct{ src *brotli.Reader }

func (b brotliReader) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	if err != nil && err.Error() == "brotli: excessive input" {
		err = io.EOF
	}
	return n, err
}

// maxWindow is what RFC 9659 allows zstd to ask of a receiver.
const maxWindow = 8 << 20

func openZstd(src *bufio.Reader) (io.ReadCloser, error) {
	// With one decoder there are no goroutines, and a block passes once it is whole.
	z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
}
