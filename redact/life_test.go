package redact

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// settled waits until nobody merges.
func settled(s *Set) {
	for {
		s.mu.Lock()
		tidied := s.tidied
		s.mu.Unlock()
		if tidied == nil {
			return
		}
		<-tidied
	}
}

func (s *Set) forget(values ...string) {
	for _, v := range values {
		s.Remove(s.id([]byte(v)))
	}
}

// What values have in common stays for as long as one of them needs it.
func TestRemoveLeavesWhatOthersNeed(t *testing.T) {
	const line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" // of both
	first, second := "first: Zq7Yt2Lm9Wc4Xb1\n"+line, line+"\nKd8Rf5Hn3Pj6Vs0Gt"
	inHexOfOther := "6b64385266354a6e"
	other := "kd8Rf5Jn"                         // its hex is a value, too
	for _, apart := range []bool{false, true} { // in one tier, or several
		s := newSet(tiny)
		if apart {
			s = setWith(first, second, inHexOfOther, other)
		} else {
			s.add([]byte(first), []byte(second), []byte(inHexOfOther), []byte(other))
		}
		s.forget(first, inHexOfOther)
		settled(s)
		for text, want := range map[string]bool{
			line: true, "Kd8Rf5Hn3Pj6Vs0Gt": true, inHexOfOther: true, other: true,
			"Zq7Yt2Lm9Wc4Xb1": false, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASD": false,
		} {
			if _, n := s.Value([]byte(text)); (n.Total() > 0) != want {
				t.Errorf("%s: found %v", text, n)
			}
		}
		s.forget(second, other)
		settled(s)
		if left := s.all(); len(left) != 0 || len(s.tables.Load().tiers) != 0 || s.size != (size{}) || len(s.dead) != 0 || s.Len() != 0 {
			t.Errorf("%d patterns are left of nothing, %d tiers, size %v, dead %v", len(left), len(s.tables.Load().tiers), s.size, s.dead)
		}
		if s.Empty() {
			t.Error("a set that had a value holds back less than before")
		}
	}
}

// What was removed and added again is found.
func TestAddAgain(t *testing.T) {
	const v = "sk-again-ABCDEFGHIJKL"
	s := setWith(v)
	for range 20 {
		s.forget(v)
		s.add([]byte(v))
		if _, n := s.Value([]byte(v)); n.Total() != 1 {
			t.Fatal("not found")
		}
	}
	settled(s)
	if _, n := s.Value([]byte(v)); n.Total() != 1 || s.Len() != 1 {
		t.Errorf("found %v, %d values", n, s.Len())
	}
	if n := len(patternsOf([]byte(v), s.limits)); len(s.all()) != n || s.size.patterns != n {
		t.Errorf("%d patterns, counted %d, of one value with %d", len(s.all()), s.size.patterns, n)
	}
}

// What a stream has begun to cover it covers to the end, though the value is
// removed meanwhile.
func TestRemoveInTheMiddleOfAnEcho(t *testing.T) {
	v := "sk-" + strings.Repeat("Zq7Yt2Lm9Wc4", 2000) // pieces, of which the first is out before the last has come
	s := setWith(v)
	w := s.Rewriter()
	got, _ := w.Feed(nil, []byte(v[:8000]))
	if len(got) == 0 || len(got) == 8000 {
		t.Fatalf("%d of 8000 bytes were released", len(got))
	}
	out := len(got)
	open := w.open[len(w.open)-1].end // how far what has begun reaches
	s.forget(v)
	settled(s)
	got, _ = w.Feed(got, []byte(v[8000:]+"\n"))
	if want := starred(out + open); !bytes.Equal(got[:out+open], []byte(want)) {
		t.Errorf("%.200q", got[out:])
	}
	if w.Counts().Total() != 1 {
		t.Errorf("counted %v", w.Counts())
	}
}

// A set that is full refuses, whole, and goes on looking for what it has.
func TestFull(t *testing.T) {
	s := setWith("sk-first-ABCDEFGHIJKL")
	s.max = size{s.size.patterns + len(patternsOf([]byte("sk-other-ABCDEFGHIJKL"), s.limits)), maxText}
	if err := s.Add(resolve.New([]byte("sk-second-ABCDEFGHIJK")), resolve.New([]byte("sk-third-ABCDEFGHIJKL"))); !errors.Is(err, ErrFull) {
		t.Fatalf("Add = %v", err)
	}
	if _, n := s.Value([]byte("sk-second-ABCDEFGHIJK sk-third-ABCDEFGHIJKL")); n.Total() != 0 || s.Len() != 1 {
		t.Errorf("of what was refused there is %v", n)
	}
	if err := s.Add(resolve.New([]byte("sk-first-ABCDEFGHIJKL")), resolve.New([]byte("sk-other-ABCDEFGHIJKL"))); err != nil {
		t.Errorf("what there is room for: %v", err)
	}
	if err := s.add([]byte("sk-fourth-ABCDEFGHIJK")); !errors.Is(err, ErrFull) {
		t.Errorf("Add = %v", err)
	}
	s.forget("sk-first-ABCDEFGHIJKL")
	settled(s)
	if err := s.add([]byte("sk-fifth-ABCDEFGHIJKL")); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	s.max = size{maxPatterns, s.size.text + 1000}
	if err := s.add([]byte(randomText(rand.New(rand.NewPCG(1, 1)), alphanumeric, 1000))); !errors.Is(err, ErrFull) {
		t.Errorf("Add = %v of what has much text", err)
	}
}

// IDs of one set say nothing in another.
func TestID(t *testing.T) {
	v, w := resolve.New([]byte("sk-first-ABCDEFGHIJKL")), resolve.New([]byte("sk-second-ABCDEFGHIJK"))
	a, b := NewSet(), NewSet()
	if n := testing.AllocsPerRun(100, func() { a.ID(v) }); n > 0 {
		t.Errorf("%v allocations an ID, which each request needs", n)
	}
	if same := resolve.New([]byte("sk-first-ABCDEFGHIJKL")); a.ID(v) != a.ID(same) || a.ID(v) == a.ID(w) || a.ID(v) == b.ID(v) {
		t.Error("IDs do not tell values apart, or tell them to others")
	}
}

// However fast values come, there are few tiers, and each value is found as soon
// as it was added.
func TestAddFasterThanMerging(t *testing.T) {
	r := seeded(t)
	s := NewSet()
	var adding sync.WaitGroup
	for k := range 4 {
		seed := r.Uint64()
		adding.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			for i := range 60 {
				v := []byte(secret(r, i))
				if err := s.add(v); err != nil {
					t.Error(err)
				}
				if got, n := s.Value(v); n.Total() != 1 || bytes.Equal(got, v) {
					t.Errorf("%d of %d: not found", i, k)
				}
				if n := len(s.tables.Load().tiers); n > mostTiers+1 {
					t.Errorf("%d tiers", n)
				}
				if i%3 == 0 {
					s.Remove(s.id(v))
				}
			}
		})
	}
	adding.Wait()
	settled(s)
	sum := size{}
	for _, e := range s.known {
		sum = sum.and(e.size)
	}
	if n := len(s.tables.Load().tiers); n > 5 || s.Len() != 4*40 || s.size != sum || sizeOf(s.all()) != sum {
		t.Errorf("%d tiers, %d values, size %v, %v in tiers, should be %v", n, s.Len(), s.size, sizeOf(s.all()), sum)
	}
}

// Streams run while values come and go. What is there all the while is covered
// in each, as naive does it; what was removed before is not.
func TestLifeAgainstNaive(t *testing.T) {
	r := seeded(t)
	covered := 0
	for range 3 {
		alphabet := []string{"ab", "abc", "a/", "aB+", "a%2"}[r.IntN(5)]
		fresh := func(n int) (list [][]byte) {
			for range n {
				list = append(list, []byte(randomText(r, alphabet, 9+r.IntN(30))))
			}
			return list
		}
		always, gone, others := fresh(2), fresh(2), fresh(12)
		s, least, most := NewSet(), NewSet(), NewSet()
		s.add(gone...)
		s.add(always...)
		for _, v := range gone {
			s.forget(string(v))
		}
		settled(s)
		least.add(always...)
		most.add(append(others, always...)...)
		var moving, streams sync.WaitGroup
		stop, seed := make(chan struct{}), r.Uint64()
		moving.Go(func() { comeAndGo(s, others, seed, stop) })
		lowest, highest := least.all(), most.all()
		for k := range 4 {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			streams.Go(func() {
				for range 6 {
					text := mixture(r, highest, alphabet)
					text = append(append(text[:min(len(text), 3000)], gone[k%2]...), always[k%2]...)
					between(t, s, text, naive(text, lowest, 0, false), naive(text, highest, 0, false), r)
				}
			})
		}
		streams.Wait()
		close(stop)
		moving.Wait()
		settled(s)
		for _, v := range always {
			if _, n := s.Value(v); n.Total() > 0 {
				covered++
			}
		}
	}
	if covered != 6 {
		t.Errorf("of 6 values that were never removed %d are found", covered)
	}
}

// comeAndGo adds and removes values until stop.
func comeAndGo(s *Set, values [][]byte, seed uint64, stop chan struct{}) {
	r := rand.New(rand.NewPCG(seed, 7))
	for {
		select {
		case <-stop:
			return
		default:
		}
		v := values[r.IntN(len(values))]
		if r.IntN(2) == 0 {
			s.add(v)
		} else {
			s.Remove(s.id(v))
		}
	}
}

// between reads text in chunks, and expects that what least covers is covered, and
// nothing that most does not cover.
func between(t *testing.T, s *Set, text, least, most []byte, r *rand.Rand) {
	sizes := []byte{byte(r.IntN(40)), byte(r.IntN(3))}
	got, err := io.ReadAll(NewReader(&chunks{text: text, sizes: sizes}, s))
	if err != nil || len(got) != len(text) {
		t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		return
	}
	for i := range text {
		shown := least[i] == '*' && got[i] != '*' && !strings.ContainsRune(Marker, rune(got[i]))
		hidden := got[i] != text[i] && most[i] == text[i]
		if shown || hidden {
			t.Errorf("byte %d%s", i, apart(text[max(0, i-200):], got[max(0, i-200):], least[max(0, i-200):]))
			return
		}
	}
}

func ExampleSet_Remove() {
	released := NewSet()
	key := resolve.New([]byte("sk-demo-0123456789abcdef"))
	if err := released.Add(key); err != nil {
		fmt.Println(err) // and the request is not sent
	}
	released.Remove(released.ID(key)) // when it is no longer the secret's value, and was not for a day
	fmt.Println(released.Len())
	// Output: 0
}
