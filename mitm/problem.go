package mitm

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Problem is a refusal as the client sees it (RFC 9457). Its texts are fixed or
// made of names and hosts; the text of a Go error never becomes part of it,
// since a URL error prints the URL with its query.
type Problem struct {
	Status  int    // of the response
	Slug    string // "domain_not_in_allowlist"; stable
	Message string // what was wrong, one sentence
	Hint    string // the command that would fix it; "" if there is none
	Domain  string // the origin's host, with the port unless it is 443
	Name    string // of the secret, if one is concerned

	RetryAfter time.Duration // when it may be otherwise; 0: nobody knows
}

func (p *Problem) Error() string { return p.Slug + ": " + p.Message }

// problemJSON is the wire form: RFC 9457's members and ours.
type problemJSON struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Error    string `json:"error"`
	Domain   string `json:"domain,omitempty"`
	Name     string `json:"name,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	Exchange string `json:"exchange,omitempty"`
}

const exchangeField = "Agentsecrets-Exchange" // as net/http has it: in another case each use would make it anew

// write answers with p.
func (p *Problem) write(w http.ResponseWriter, exchange string) {
	detail := p.Message
	if p.Hint != "" {
		detail += ". Run: " + p.Hint
	}
	body, err := json.Marshal(problemJSON{
		Type: "about:blank", Title: http.StatusText(p.Status), Status: p.Status, Detail: detail,
		Error: p.Slug, Domain: p.Domain, Name: p.Name, Message: p.Message, Hint: p.Hint, Exchange: exchange,
	})
	if err != nil {
		body = []byte(`{"error":"internal"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	if exchange != "" {
		h.Set(exchangeField, exchange)
	}
	w.WriteHeader(p.Status)
	w.Write(append(body, '\n'))
}

// asProblem finds the Problem in err; any other error becomes fallback.
func asProblem(err error, fallback Problem) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return &fallback
}
