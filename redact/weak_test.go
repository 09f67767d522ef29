package redact

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestE7WeakValues(t *testing.T) {
	for _, v := range []string{
		"", "4711", "hunter2", "hunter22", "Xq7!pZ9$", "k3J9xQ2mV7bL4nR", // under 16 bytes
		"hunter2hunter2hunter2", strings.Repeat("ab", 20), strings.Repeat("a", 100), "aaaaaaaabbbbbbbbcccccccc", strings.Repeat("*", 64),
		"Summer2024Winter2025!", "2024-01-15T10:20:30Z", "2024-01-15 10:20:30", "1999-12-31-1999-12-31", "passwordpassword123",
		"12345678901234567890", "98765432100123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789abcdefghij", "1234567890123456", "8765432187654321",
		"correct horse battery", "CORRECT HORSE BATTERY", "my-company-production-db", "administrator@example.com", "postgres://admin:hunter2@db.example.com/app",
	} {
		if !Weak([]byte(v)) {
			t.Errorf("%q is not weak", v)
		}
	}
	for _, v := range []string{
		"sk_live_51HfzqK2eZvKYlo2C0aBcDeFg", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "postgres://app:q8Zr4kW0xT7nB2vL5y@db.example.com/app",
		"4f9c2d81-7e3b-4a60-9c15-d2b8e7f60a34", "9f86d081884c7d65", "Xq7!pZ9$kL2@mN5%", "JBSWY3DPEHPK3PXP7QZA",
	} {
		if Weak([]byte(v)) {
			t.Errorf("%q is weak", v)
		}
	}
}

// What a machine made, of 120 bits, is hardly ever taken for weak.
func TestE7RandomIsNotWeak(t *testing.T) {
	for name, encode := range map[string]func([]byte) string{
		"hex":       hex.EncodeToString,
		"base64":    base64.StdEncoding.EncodeToString,
		"base64url": base64.RawURLEncoding.EncodeToString,
		"base32":    base32.StdEncoding.EncodeToString,
	} {
		weak := 0
		for range 1000 {
			b := make([]byte, 15)
			rand.Read(b)
			if Weak([]byte(encode(b))) {
				weak++
			}
		}
		t.Logf("%s: %d of 1000", name, weak)
		if weak > 20 {
			t.Errorf("%s: %d of 1000 are weak", name, weak)
		}
	}
}

// told is what a search of text, in each way that there is, says of weak values.
func told(t *testing.T, s *Set, text string) map[string]int {
	t.Helper()
	all := map[string]int{}
	as := func(way string) *Set { return s.OnWeak(func(n int) { all[way] += n }) }
	for way, r := range map[string]io.Reader{
		"as it comes":  NewReader(strings.NewReader(text), as("as it comes")),
		"byte by byte": NewReader(iotest.OneByteReader(strings.NewReader(text)), as("byte by byte")),
		"whole":        NewBodyReader(strings.NewReader(text), as("whole"), int64(len(text))),
	} {
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Fatal(way, err)
		}
	}
	as("a text").Value([]byte(text))
	as("fields").Header(map[string][]string{"Field": {text}})
	return all
}

func TestE7WeakEchoesAreTold(t *testing.T) {
	const weak, strong = "hunter2hunter3", "q8Zr4kW0xT7nB2vL5ymN5pQ"
	s := setWith(weak, strong, "url-q8Zr4kW0xT7nB2vL5ym-"+weak+"-q8Zr4kW0xT7nB2vL5ym")
	for text, want := range map[string]int{
		weak: 1, strong: 0, weak[1:]: 0, "a " + weak + " b " + weak: 2, weak + weak: 2, strong + weak: 1,
		"aHVudGVyMmh1bnRlcjM=": 1, strings.ToUpper(weak): 1, `h\u0075nter2hunter3`: 1,
		"url-q8Zr4kW0xT7nB2vL5ym-" + weak + "-q8Zr4kW0xT7nB2vL5ym": 0,
	} {
		for _, way := range []string{"as it comes", "byte by byte", "whole", "a text", "fields"} {
			if got := told(t, s, text)[way]; got != want {
				t.Errorf("%q, %s: told of %d, want %d", text, way, got, want)
			}
		}
	}
}

// A guess that overlaps an echo of another value is one all the same.
func TestE7WeakBesideSure(t *testing.T) {
	const strong = "q8Zr4kW0xT7nB2vL5ymhunter"
	s := setWith("hunter2hunter3", strong)
	all := told(t, s, strong+"2hunter3")
	for _, way := range []string{"as it comes", "byte by byte", "whole", "a text", "fields"} {
		if all[way] != 1 {
			t.Errorf("%s: told of %d", way, all[way])
		}
	}
	if all = told(t, s, strong+"2hunter4"); len(all) != 0 {
		t.Errorf("a wrong guess was told of: %v", all)
	}
}

// Who is told knows before the first byte of the marker is given.
func TestE7WeakIsToldFirst(t *testing.T) {
	n := 0
	s := setWith("hunter2hunter3").OnWeak(func(k int) { n += k })
	r := NewReader(iotest.OneByteReader(strings.NewReader("see hunter2hunter3 there")), s)
	var got []byte
	for b := make([]byte, 64); ; {
		k, err := r.Read(b)
		if bytes.IndexByte(b[:k], '*') >= 0 && n != 1 {
			t.Fatalf("told %d times when %q came", n, b[:k])
		}
		got = append(got, b[:k]...)
		if err != nil {
			break
		}
	}
	if n != 1 || !bytes.Contains(got, []byte("**************")) {
		t.Errorf("told %d times of %q", n, got)
	}
}
