package mitm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/agentsecrets/agentsecrets/redact"
	"github.com/agentsecrets/agentsecrets/resolve"
)

const inMessages = "sk-live-Zq3/vN8+xTr7=mK2pW9"

func messageOf(flags byte, text string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(text)))) + text
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// messagesIn reads src as gRPC-Web, whose flags include those of gRPC.
func messagesIn(src io.Reader, coding string, values ...string) *messages {
	set := redact.NewSet()
	for _, v := range values {
		set.Add(resolve.New([]byte(v)))
	}
	m := newMessages(framing{flags: 0x81}, src, set)
	m.coding, m.searching = coding, func() bool { return !set.Empty() }
	m.large = make(chan struct{}, 1)
	return m
}

// Of large compressed messages only so many are held at a time; room is made when
// one has been given, or its stream ends.
func TestMessagesHaveRoom(t *testing.T) {
	var text strings.Builder
	for i := 0; text.Len() <= maxMessage; i++ {
		fmt.Fprintln(&text, "line", i)
	}
	noise := make([]byte, maxMessage+1)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for name, large := range map[string]string{"large": messageOf(1, gzipped(string(noise))), "becomes large": messageOf(1, gzipped(text.String()))} {
		a := messagesIn(strings.NewReader(large+messageOf(0, "end")), "gzip", inMessages)
		b := messagesIn(strings.NewReader(messageOf(0, "first")+large), "gzip", inMessages)
		b.large = a.large
		if _, err := io.ReadFull(a, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(b); string(got) != messageOf(0, "first") || err != error(errNoRoom) {
			t.Errorf("%s: while one is held: %d bytes, %v", name, len(got), err)
		}
		announced := messagesIn(strings.NewReader("\x01\x00\x20\x00\x00x"), "gzip", inMessages)
		announced.large = a.large
		if _, err := io.ReadAll(announced); err != error(errNoRoom) {
			t.Errorf("%s: while one is held, another is announced: %v", name, err)
		}
		if _, err := io.Copy(io.Discard, a); err != nil || len(a.large) != 0 {
			t.Errorf("%s: given: %d held, %v", name, len(a.large), err)
		}
		c := messagesIn(strings.NewReader(large), "gzip", inMessages)
		if _, err := io.ReadFull(c, make([]byte, 100)); err != nil || len(c.large) != 1 {
			t.Errorf("%s: %d held, %v", name, len(c.large), err)
		}
		if c.Close(); len(c.large) != 0 {
			t.Errorf("%s: it is held when its stream is over", name)
		}
	}
}

func stars(n int) string {
	return redact.Marker + strings.Repeat("*", n-len(redact.Marker))
}

func TestMessages(t *testing.T) {
	clean := stars(len(inMessages))
	var lines strings.Builder
	for i := 0; lines.Len() <= maxMessage; i++ {
		fmt.Fprintln(&lines, "line", i)
	}
	long := lines.String()
	for _, c := range []struct{ name, coding, src, want string }{
		{"nothing", "", "", ""},
		{"empty messages", "", messageOf(0, "") + messageOf(0, ""), messageOf(0, "") + messageOf(0, "")},
		{"one with a value", "", messageOf(0, "a "+inMessages), messageOf(0, "a "+clean)},
		{"a value each", "", messageOf(0, inMessages) + messageOf(0, inMessages), messageOf(0, clean) + messageOf(0, clean)},
		{"half a value each", "", messageOf(0, inMessages[:9]) + messageOf(0, inMessages[9:]), messageOf(0, inMessages[:9]) + messageOf(0, inMessages[9:])},
		{"trailers of the web", "", messageOf(0x80, "grpc-message: "+inMessages), messageOf(0x80, "grpc-message: "+clean)},
		{"compressed", "gzip", messageOf(1, gzipped("a "+inMessages)), messageOf(0, "a "+clean)},
		{"compressed trailers", "gzip", messageOf(0x81, gzipped("a: "+inMessages)), messageOf(0x80, "a: "+clean)},
		{"compressed, and nothing in it", "gzip", messageOf(1, ""), messageOf(0, "")},
		{"not compressed, though it could be", "gzip", messageOf(0, "a "+inMessages), messageOf(0, "a "+clean)},
		{"longer than is held", "", messageOf(0, long+inMessages) + messageOf(0, "end"), messageOf(0, long+clean) + messageOf(0, "end")},
		{"longer than is held, once decoded", "gzip", messageOf(1, gzipped(long+inMessages)) + messageOf(0, "end"), messageOf(0, long+clean) + messageOf(0, "end")},
		{"ended early", "", messageOf(0, "a "+inMessages+" and more")[:40], messageOf(0, "a "+clean+" and more")[:40]},
		{"a length in letters", "", messageOf(0, strings.Repeat("x", 's')+"k"), messageOf(0, strings.Repeat("x", 's')+"k")},
	} {
		for how, src := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with its end": iotest.DataErrReader,
		} {
			if len(c.src) > maxMessage && how == "byte by byte" {
				src = iotest.HalfReader
			}
			if err := iotest.TestReader(messagesIn(src(strings.NewReader(c.src)), c.coding, inMessages), []byte(c.want)); err != nil {
				t.Errorf("%s, %s: %.300v", c.name, how, err)
			}
		}
	}
	m := messagesIn(strings.NewReader(messageOf(0, inMessages)+messageOf(1, gzipped(inMessages))), "gzip", inMessages)
	if _, err := io.Copy(io.Discard, m); err != nil || m.Counts()["verbatim"] != 2 {
		t.Errorf("counted %v, %v", m.Counts(), err)
	}
}

// What cannot be searched is not passed, and what came before it is.
func TestMessagesThatEndTheStream(t *testing.T) {
	before := messageOf(0, "before")
	bomb := gzipped(strings.Repeat("\x00", maxExpanded+1))
	for _, c := range []struct {
		name, coding, src, want string
		err                     error
	}{
		{"a coding of its own", "rot13", before + messageOf(1, "nccyr"), before, errCoding},
		{"no coding", "", before + messageOf(1, "apple"), before, errCoding},
		{"identity", "identity", before + messageOf(1, "apple"), before, errCoding},
		{"not what it says", "gzip", before + messageOf(1, "apple"), before, errCompressed},
		{"cut within", "gzip", before + messageOf(1, gzipped(inMessages)[:20]), before, errCompressed},
		{"cut from outside", "gzip", before + messageOf(1, gzipped(inMessages))[:20], before, io.ErrUnexpectedEOF},
		{"a bomb", "gzip", before + messageOf(1, bomb), before, errExpanded},
		{"compressed, and announced too long", "gzip", before + "\x01\x7f\x00\x00\x00x", before, errExpanded},
		{"announced too long", "", before + "\x00\x7f\x00\x00\x00x", before, errExpanded},
		{"a text", "", inMessages, "", errFrames},
		{"a value behind five bytes of it", "", "\x00\x00\x00sk" + inMessages[2:] + strings.Repeat("x", 's'<<8+'k'-len(inMessages)+2), "", errFrames},
		{"a long one that its head begins", "", "\x00\x00sk-" + inMessages[3:] + strings.Repeat("x", 's'<<16+'k'<<8+'-'), "", errFrames},
		{"a message that ends within a value", "", messageOf(0, "it is "+inMessages[:9]) + inMessages[9:], "", errFrames},
		{"flags without a meaning", "", before + "\x04\x00\x00\x00\x01x", "", errFrames},
		{"half a head", "", before + "\x00\x00", before, io.ErrUnexpectedEOF},
	} {
		got, err := io.ReadAll(messagesIn(strings.NewReader(c.src), c.coding, inMessages))
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %.200q, %v", c.name, got, err)
		}
	}
}

// prompt reads what r makes of a pipe, which it ends where r waits for more than it
// needs: nobody else would.
type prompt struct {
	r  io.Reader
	pw *io.PipeWriter
}

var errHeld = errors.New("it is held for what follows")

func (p prompt) Read(b []byte) (int, error) {
	late := time.AfterFunc(15*time.Second, func() { p.pw.CloseWithError(errHeld) })
	n, err := p.r.Read(b)
	if !late.Stop() {
		return 0, errHeld // r may give at the end what it held
	}
	return n, err
}

// Before any value was released all passes, whatever it is; from then on nothing
// compressed does.
func TestMessagesBeforeTheFirstValue(t *testing.T) {
	for _, src := range []string{
		"<html>no message</html>", messageOf(1, "nccyr"), messageOf(0, "x") + "\x07", messageOf(0, "xyz")[:7], messageOf(1, gzipped("a"))[:9], "\x00\x00", "\x00\xff\xff\xff\xffx",
	} {
		if err := iotest.TestReader(messagesIn(iotest.HalfReader(strings.NewReader(src)), "gzip"), []byte(src)); err != nil {
			t.Errorf("%q: %v", src, err)
		}
	}
	pr, pw := io.Pipe()
	m := messagesIn(pr, "gzip")
	plain, packed := messageOf(0, "no value"), messageOf(1, gzipped("a "+inMessages))
	give := func(text string) string {
		go io.WriteString(pw, text)
		b := make([]byte, len(messageOf(0, "a "+inMessages)))
		n, err := io.ReadAtLeast(prompt{m, pw}, b, min(len(b), len(text)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if got := give(plain); got != plain {
		t.Errorf("%q", got)
	}
	m.set.Add(resolve.New([]byte(inMessages)))
	if got, want := give(packed), messageOf(0, "a "+stars(len(inMessages))); got != want {
		t.Errorf("%q", got)
	}
}

// A message is given as soon as it is whole, whatever its end: there may be no
// other until this one is answered. Where an end is known nobody waits like that.
func TestMessagesAreNotHeld(t *testing.T) {
	for _, text := range []string{"words", inMessages, strings.Repeat("x", 5000), strings.Repeat("x", maxMessage+1)} {
		pr, pw := io.Pipe()
		m := messagesIn(pr, "", inMessages)
		go io.WriteString(pw, messageOf(0, text))
		if n, err := io.CopyN(io.Discard, prompt{m, pw}, int64(len(messageOf(0, text)))); err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if m.Held() != 0 {
			t.Errorf("%d bytes are held", m.Held())
		}
		pw.Close()
	}
	first, rest := messageOf(0, "it is "+inMessages[:9]), inMessages[9:]
	m := messagesIn(io.MultiReader(strings.NewReader(first), strings.NewReader(rest)), "", inMessages)
	m.sized = true
	if got, err := io.ReadAll(m); len(got) > 0 || err != error(errFrames) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestMessagesInBase64(t *testing.T) {
	a, b := messageOf(0, "a "+inMessages), messageOf(0x80, "b: "+inMessages)
	text := base64.StdEncoding.EncodeToString([]byte(a)) + base64.StdEncoding.EncodeToString([]byte(b[:4])) + base64.StdEncoding.EncodeToString([]byte(b[4:]))
	for _, src := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
		got, err := io.ReadAll(&toBase64{messages: messagesIn(&fromBase64{src: src}, "", inMessages)})
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(&fromBase64{src: bytes.NewReader(got)})
		if want := strings.ReplaceAll(a+b, inMessages, stars(len(inMessages))); string(back) != want || err != nil {
			t.Errorf("%q, %v", back, err)
		}
	}
	for _, src := range []string{"AAA", "AA=A", "AAAA\nAAA", "AAAA<x>="} {
		if got, err := io.ReadAll(&fromBase64{src: strings.NewReader(src)}); !errors.Is(err, errFrames) {
			t.Errorf("%q: %q, %v", src, got, err)
		}
	}
	// A message's end is given with its padding, and not held for the next.
	pr, pw := io.Pipe()
	defer pw.Close()
	r := prompt{&toBase64{messages: messagesIn(&fromBase64{src: pr}, "", inMessages)}, pw}
	for _, text := range []string{"a", "ab", "abc"} {
		want := base64.StdEncoding.EncodeToString([]byte(messageOf(0, text)))
		go io.WriteString(pw, want)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// However a stream is cut into reads, it reads the same, and no value passes that
// a message holds.
func FuzzMessages(f *testing.F) {
	for _, c := range []string{"", "<html>", messageOf(0, inMessages) + messageOf(0, "x"), messageOf(1, gzipped(inMessages)), messageOf(0, "it is "+inMessages[:9]) + inMessages[9:]} {
		f.Add([]byte(c), uint8(1))
	}
	f.Fuzz(func(t *testing.T, src []byte, size uint8) {
		read := func(r io.Reader) (string, string) {
			got, err := io.ReadAll(messagesIn(r, "gzip", inMessages))
			return string(got), fmt.Sprint(err)
		}
		whole, why := read(bytes.NewReader(src))
		parts, whyParts := read(&cutInto{src, int(size) + 1})
		if strings.Contains(whole, inMessages) {
			t.Fatalf("%q became %q", src, whole)
		}
		if why != whyParts || whole != parts && why != errFrames.Error() {
			t.Fatalf("%q, %s\nand in parts %q, %s", whole, why, parts, whyParts)
		}
	})
}

// cutInto gives so many bytes a read.
type cutInto struct {
	src  []byte
	size int
}

func (c *cutInto) Read(b []byte) (int, error) {
	if len(c.src) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.src[:min(len(c.src), c.size)])
	c.src = c.src[n:]
	return n, nil
}
