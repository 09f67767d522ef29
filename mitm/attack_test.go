package mitm_test

import (
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// An attacker as it would be: it may have texts echoed, and sees how much of each comes before a pause. It knows how
// a value begins, as many do, and guesses on, letter by letter.
type attacker struct {
	early  func(guess string) int // bytes of guess that come before the pause
	probes int
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/+="

// next is the letter behind known, if one stands out, in whatever case: less of it comes than of any other.
func (a *attacker) next(known string) (string, bool) {
	all := letters
	for range 3 { // what stands out does so again, or was chance
		by, least := map[int]string{}, 1<<30
		for _, c := range all {
			a.probes++
			n := a.early(known + string(c))
			by[n] += string(c)
			least = min(least, n)
		}
		out := by[least]
		if len(by) == 1 || strings.Trim(strings.ToLower(out), strings.ToLower(out[:1])) != "" {
			return "", false
		}
		all = out
		for _, c := range "ABCDE" { // and some to compare with
			if !strings.ContainsRune(out, c) {
				all += string(c)
			}
		}
	}
	return all[:1], true
}

// guessOn guesses n letters behind known.
func (a *attacker) guessOn(known string, n int) string {
	found := ""
	for range n {
		c, ok := a.next(known + found)
		if !ok {
			break
		}
		found += c
	}
	return found
}

const secretToken = "tok-live-Zq3vN8xTr7mK2pW9hB4dY6cJ1sFgQ5eR0uA" // of which "tok-live-" is known

// Against a proxy that holds back what may begin a value, as redactors do, this attacker finds all of it.
func TestE5TheAttackerFindsWhatDependsOnTheValue(t *testing.T) {
	a := &attacker{early: func(guess string) int {
		for n := min(len(guess), len(secretToken)); n > 0; n-- {
			if strings.HasSuffix(guess, secretToken[:n]) {
				return len(guess) - n
			}
		}
		return len(guess)
	}}
	found := a.guessOn("tok-live-", 34)
	t.Logf("%d unknown characters in %d probes", len(found), a.probes)
	if found != secretToken[9:9+34] {
		t.Errorf("it found %q", found)
	}
}

// Against ours it finds nothing: not with what is known of each value, nor with all but the end of it.
func TestE5TheAttackerFindsNothing(t *testing.T) {
	for name, change := range map[string]func(*lab.Config){
		"HTTP/2": nil,
		"HTTP/1": func(c *lab.Config) { c.ClientH1, c.OriginH1 = true, true },
	} {
		s := newStalled(t, change, secretToken)
		const line = "a line\n" // comes at once, with what is let go behind it
		a := &attacker{}
		found := 0
		for _, in := range []string{"compact JSON", "behind a space", "in a long run", "gzip"} {
			a.early = func(guess string) int {
				p := contexts[in]
				p.before, p.guess = line+p.before, guess
				return len(s.measure(p, len(line)).early) - len(p.before)
			}
			for _, known := range []int{0, 9, 30, len(secretToken) - 1} {
				if c, ok := a.next(secretToken[:known]); ok {
					t.Errorf("%s, %s: behind %q it finds %q", name, in, secretToken[:known], c)
					found++
				}
			}
		}
		t.Logf("%s: %d of 16 characters in %d probes", name, found, a.probes)
		if a.probes < 1000 {
			t.Errorf("%d probes are too few", a.probes)
		}
	}
}
