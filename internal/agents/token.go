package agents

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A token is 256 random bits behind a prefix by which people and scanners of
// source code know it. Of it one SHA-256 is kept: slow hashes are for what people
// choose, and nobody tries 2^256 texts, however fast each is.
const (
	tokenPrefix = "ast_"
	tokenBytes  = 32
	maxLabel    = 64
	maxLife     = 100 * 365 * 24 * time.Hour // a token that is to live longer is one that does not expire
	maxEnded    = 100                        // tokens of one agent that work no more and are listed all the same
)

// What has become of a token.
const (
	Active  = "active"
	Expired = "expired"
	Revoked = "revoked"
)

// Token is one of an agent's, without its text.
type Token struct {
	ID          string // "tok_…"; no secret
	Label       string
	Environment string // "": of all
	Issued      time.Time
	Expires     time.Time // zero: never
	Revoked     time.Time // zero: it is not
	Saved       bool      // it is meant by the agent's SavedName
	sum         [sha256.Size]byte
}

// Wanted says what a token should be like.
type Wanted struct {
	Label, Environment string
	Expires            time.Time
	Saved              bool
}

// Issue makes a token. Its text is returned here and never again.
func (a *Agent) Issue(w Wanted, now time.Time) (text string, t Token, err error) {
	if n := utf8.RuneCountInString(w.Label); n > maxLabel {
		return "", Token{}, fmt.Errorf("the label has %d characters, more than %d", n, maxLabel)
	}
	if !w.Expires.IsZero() && !w.Expires.After(now) {
		return "", Token{}, fmt.Errorf("the token would expire at %s, which is past", w.Expires.UTC().Format(time.RFC3339))
	}
	var secret [tokenBytes]byte
	rand.Read(secret[:])
	text = tokenPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret[:]))
	t = Token{
		ID: "tok_" + strings.ToLower(rand.Text()[:12]), Label: w.Label, Environment: w.Environment, Issued: stamp(now),
		Saved: w.Saved, sum: sha256.Sum256([]byte(text)),
	}
	if !w.Expires.IsZero() {
		t.Expires = stamp(w.Expires)
	}
	a.forgetEnded(now)
	a.Tokens = append(a.Tokens, t)
	return text, t, nil
}

// forgetEnded drops the oldest of those that work no more: a token that nobody
// knows is refused as one that was revoked.
func (a *Agent) forgetEnded(now time.Time) {
	ended := len(a.Tokens) - a.Active(now)
	a.Tokens = slices.DeleteFunc(a.Tokens, func(t Token) bool {
		if t.Status(now) == Active || ended < maxEnded {
			return false
		}
		ended--
		return true
	})
}

// Revoke ends the token of that ID, or all that are active where it is "", and
// returns the IDs of those that it ended.
func (a *Agent) Revoke(id string, now time.Time) (ended []string, err error) {
	found := id == ""
	for i := range a.Tokens {
		t := &a.Tokens[i]
		if id != "" && t.ID != id {
			continue
		}
		found = true
		if t.Revoked.IsZero() && (id != "" || t.Status(now) == Active) {
			t.Revoked = stamp(now)
			ended = append(ended, t.ID)
		}
	}
	if !found {
		what := "agent " + a.Name + " has no such token"
		if tokenID(id) {
			what = "agent " + a.Name + " has no token " + id
		}
		return nil, &UnknownError{what, "agentsecrets agent token list " + a.Name}
	}
	return ended, nil
}

// tokenID tells an ID, which may be shown, from a token that was given for one.
func tokenID(text string) bool {
	return strings.HasPrefix(text, "tok_") && len(text) <= MaxName && nameForm.MatchString(text)
}

// Status is Active, Expired or Revoked.
func (t Token) Status(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return Revoked
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return Expired
	}
	return Active
}

// IsToken reports whether text looks like a token, so that it must not be shown.
func IsToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// tokenForm is what the beginning of a token, a mistyped one too, looks like.
var tokenForm = regexp.MustCompile(tokenPrefix + `[A-Za-z0-9]{8,}`)

// Masked is text without the tokens in it: where one stands that was to be something
// else, the message about that is for logs and other programs too.
func Masked(text string) string { return tokenForm.ReplaceAllString(text, tokenPrefix+"…") }

// ByText finds the token that text is; nil where it is none.
func (b *Book) ByText(text string) (*Agent, *Token) {
	sum := sha256.Sum256([]byte(text)) // how long comparing takes tells of the sum, and no text leads to another
	return b.find(func(t *Token) bool { return t.sum == sum })
}

// ByID finds a token by its ID.
func (b *Book) ByID(id string) (*Agent, *Token) {
	return b.find(func(t *Token) bool { return t.ID == id })
}

func (b *Book) find(is func(*Token) bool) (*Agent, *Token) {
	for _, a := range b.Agents {
		for i := range a.Tokens {
			if is(&a.Tokens[i]) {
				return a, &a.Tokens[i]
			}
		}
	}
	return nil, nil
}

// SavedName is what the saved tokens of a are called: SDKs give it as the token
// where they know the agent's name alone.
func (a *Agent) SavedName() string { return strings.ToUpper(a.Name) + "_TOKEN" }

// BySavedName finds the newest saved token of the agent that name leads to, one
// that is active if there is one.
func (b *Book) BySavedName(name string, now time.Time) (*Agent, *Token) {
	for _, a := range b.Agents {
		if a.SavedName() != name {
			continue
		}
		var last *Token
		for i := range a.Tokens {
			if t := &a.Tokens[i]; t.Saved && (last == nil || t.Status(now) == Active || last.Status(now) != Active) {
				last = t
			}
		}
		if last != nil {
			return a, last
		}
	}
	return nil, nil
}

// ParseExpiry reads how long a token lives (30d, 12h, 90m), until when (RFC
// 3339), or its last day (2026-12-31, in UTC).
func ParseExpiry(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	units := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	if text != "" {
		n, err := strconv.ParseUint(text[:len(text)-1], 10, 64)
		unit, known := units[text[len(text)-1:]]
		if err == nil && known && n > 0 && n <= uint64(maxLife/unit) {
			return now.Add(time.Duration(n) * unit), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write it like 30d, 12h, 2026-12-31 or 2026-12-31T12:00:00Z", shortened(text))
}

// shortened keeps what was pasted by mistake out of an error.
func shortened(text string) string {
	if IsToken(text) || len(text) > 40 {
		return "…"
	}
	return text
}
