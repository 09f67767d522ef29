package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// An encoded text is what a program that is not ours makes of a value.
type encoded struct {
	value int
	by    string
	text  []byte
	whole bool // has line breaks in it
}

func (e *encoded) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&e.value, &e.by, &e.text, &e.whole})
}

func run(t *testing.T, values []string, name string, args ...string) []encoded {
	t.Helper()
	in, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.String())
	}
	var list []encoded
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return list
}

// shapes are values as people have them, fresh each time.
func shapes(t *testing.T, r *rand.Rand) []string {
	key, _ := keyPEM(t)
	return []string{
		"sk_live_" + randomText(r, alphanumeric, 24),
		randomText(r, alphanumeric+"+/", 40), // AWS
		randomText(r, "0123456789abcdef", 32),
		randomText(r, alphanumeric+"!#$%&()*+,-./:;<=>?@[]^_{|}~\"'\\`", 20),
		randomText(r, alphanumeric+"!#$%&()*+,-./:;<=>?@[]^_{|}~\"'\\`", 40),
		"postgres://svc:" + randomText(r, alphanumeric, 16) + "@db.internal:5432/app?sslmode=require",
		"a pass phrase of " + randomText(r, alphanumeric, 9) + " words & \"signs\"",
		"pässwörd-" + randomText(r, alphanumeric, 12) + "-ñ¿",
		"鍵🔑" + randomText(r, alphanumeric, 16) + "-漢字",
		randomText(r, alphanumeric, 8),
		randomText(r, alphanumeric, 300),
		key,
	}
}

// secretsIn are the parts of a value that nobody may see.
func secretsIn(value string) []string {
	if strings.Contains(value, "\n") {
		return secretLines(value)
	}
	return []string{value}
}

// What encoders of other languages write is found, wherever it stands and however
// it is cut, by an oracle that knows nothing of ours: the echo is covered but for
// its frame, that is, nothing of length is left of it.
func TestOtherEncoders(t *testing.T) {
	r := seeded(t)
	values := shapes(t, r)
	var sets []*Set
	for _, v := range values {
		sets = append(sets, setWith(v))
	}
	for name, list := range map[string][]encoded{
		"python": run(t, values, "python3", "testdata/encode.py", fmt.Sprint(r.Uint32())),
		"node":   run(t, values, "node", "testdata/encode.mjs"),
		"jq":     run(t, values, "jq", "-c", "-f", "testdata/encode.jq"),
	} {
		tried := map[string]bool{}
		for _, e := range list {
			tried[e.by] = true
			if err := echoed(r, sets[e.value], values[e.value], e); err != nil {
				t.Errorf("%s: %s of value %d %.60q: %v", name, e.by, e.value, values[e.value], err)
			}
		}
		t.Logf("%s: %d texts of %d encoders", name, len(list), len(tried))
		if len(tried) < 8 {
			t.Errorf("%s tried only %d encoders", name, len(tried))
		}
	}
}

// echoed passes e amid other text, at a random place and in random chunks.
func echoed(r *rand.Rand, s *Set, value string, e encoded) error {
	if len(e.text) == 0 {
		return nil
	}
	before := []byte(randomText(r, alphanumeric+" \n", r.IntN(3000)) + "\n")
	text := append(append(bytes.Clone(before), e.text...), "\n tail"...)
	source := &chunks{text: text, sizes: []byte{byte(r.IntN(3)), byte(r.IntN(200))}}
	body := NewReader(source, s)
	if e.whole {
		body = NewBodyReader(source, s, int64(len(text)))
	}
	out := make([]byte, 0, len(text))
	buf := make([]byte, 1+r.IntN(2000))
	for {
		n, err := body.Read(buf)
		out = append(out, buf[:n]...)
		if err != nil {
			break
		}
	}
	if len(out) != len(text) || !bytes.HasPrefix(out, before) || !bytes.HasSuffix(out, []byte("\n tail")) {
		return fmt.Errorf("what is around it changed")
	}
	covered := 0
	for i := range text {
		if out[i] != text[i] {
			covered++
		}
	}
	least := 0
	for _, part := range secretsIn(value) {
		least += len(part)
	}
	// A marker has letters of its own, some of which may be those of the text.
	if covered < least-len(Marker)-6 || body.Counts().Total() == 0 {
		return fmt.Errorf("%d of at least %d bytes covered, %v: %.300q", covered, least, body.Counts(), out[len(before):])
	}
	return nil
}
