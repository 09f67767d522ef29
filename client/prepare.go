package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/placeholder"
)

// prepared is a request in the proxy's own contract (docs/proxy.md): names in fields of
// the proxy, and everything else as it will be sent.
type prepared struct {
	method string
	target *url.URL
	header http.Header
	styles http.Header
	body   []byte
	sends  bool // a body, if only an empty one
}

const ourFields = "X-As-"

func badRequest(format string, args ...any) error {
	return &Error{Slug: "bad_request", Message: fmt.Sprintf(format, args...)}
}

// prepare refuses what is no request, before anybody is asked.
func (r Request) prepare() (*prepared, error) {
	target, err := url.Parse(r.URL)
	if err != nil || target.Host == "" || target.Scheme != "https" && target.Scheme != "http" {
		return nil, badRequest("the URL is not an absolute one, as https://api.stripe.com/v1/balance")
	}
	p := &prepared{target: target, header: http.Header{}, styles: http.Header{}, method: strings.ToUpper(r.Method)}
	for field, lines := range r.ForwardHeader {
		field = http.CanonicalHeaderKey(field)
		if strings.HasPrefix(field, ourFields) || field == "Proxy-Authorization" || field == "Te" {
			return nil, badRequest("the field %s is not sent to an API", field)
		}
		p.header[field] = slices.Clone(lines)
	}
	if err := p.readBody(r.Body); err != nil {
		return nil, err
	}
	if err := p.addStyles(r); err != nil {
		return nil, err
	}
	if p.method == "" {
		p.method = http.MethodGet
		if p.sends || len(r.BodyField)+len(r.FormField) > 0 {
			p.method = http.MethodPost
		}
	}
	return p, nil
}

func (p *prepared) readBody(body any) (err error) {
	p.sends = true
	switch b := body.(type) {
	case nil:
		p.sends = false
	case []byte:
		p.body = b
	case string:
		p.body = []byte(b)
	case io.Reader:
		if p.body, err = io.ReadAll(b); err != nil {
			return fmt.Errorf("read the request body: %w", err)
		}
	default:
		if p.body, err = json.Marshal(b); err != nil {
			return badRequest("the body cannot be written as JSON: it is a %T", body)
		}
		p.defaultType("application/json")
	}
	return nil
}

func (p *prepared) defaultType(kind string) {
	if len(p.header["Content-Type"]) == 0 {
		p.header.Set("Content-Type", kind)
	}
}

// addStyles puts literals where they go, and leaves names to the proxy.
func (p *prepared) addStyles(r Request) error {
	switch {
	case r.Bearer != "" && r.Basic != "":
		return badRequest("bearer and basic both want the Authorization field: give one")
	case len(r.BodyField) > 0 && len(r.FormField) > 0:
		return badRequest("a body is either JSON or a form: give body fields or form fields")
	case placeholder.Valid(r.Bearer):
		p.styles.Set(ourFields+"Inject-Bearer", r.Bearer)
	case r.Bearer != "":
		p.header.Set("Authorization", "Bearer "+r.Bearer)
	case placeholder.Valid(r.Basic):
		p.styles.Set(ourFields+"Inject-Basic", r.Basic)
	case r.Basic != "":
		p.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(r.Basic)))
	}
	literals := map[string]func(field, text string) error{
		"Header": func(field, text string) error { p.header.Set(field, text); return nil },
		"Query": func(field, text string) error {
			p.target.RawQuery = withParam(p.target.RawQuery, field, text)
			return nil
		},
		"Body": p.setField,
		"Form": func(field, text string) error {
			p.defaultType("application/x-www-form-urlencoded")
			p.body = []byte(withParam(string(p.body), field, text))
			return nil
		},
	}
	for kind, fields := range map[string]map[string]string{"Header": r.Header, "Query": r.Query, "Body": r.BodyField, "Form": r.FormField} {
		for _, field := range sorted(fields) {
			text := fields[field]
			if !placeholder.Valid(text) {
				if err := literals[kind](field, text); err != nil {
					return err
				}
				continue
			}
			if strings.TrimSpace(field) != field || field == "" || strings.ContainsFunc(field, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				return badRequest("%q cannot be the name of a field", field)
			}
			// The name of a header field would lose its case.
			p.styles.Add(ourFields+"Inject-"+kind+"-1", text+"; as="+field)
		}
	}
	return nil
}

func sorted(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// withParam sets a parameter and leaves the others as they are written.
func withParam(query, name, text string) string {
	var all []string
	for param := range strings.SplitSeq(query, "&") {
		k, _, _ := strings.Cut(param, "=")
		if known, err := url.QueryUnescape(k); param != "" && (err != nil || known != name) {
			all = append(all, param)
		}
	}
	return strings.Join(append(all, url.QueryEscape(name)+"="+url.QueryEscape(text)), "&")
}

// setField sets a literal in a JSON object, and makes the parents that are missing.
func (p *prepared) setField(path, text string) error {
	object := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(p.body)) > 0 && json.Unmarshal(p.body, &object) != nil {
		return badRequest("body fields go into a JSON object, which the body is not")
	}
	body, err := setIn(object, strings.Split(path, "."), text)
	if err != nil {
		return badRequest("the body has no place for a field %q", path)
	}
	p.body = body
	p.defaultType("application/json")
	return nil
}

// setIn leaves what it does not change as it is written, numbers above all.
func setIn(object map[string]json.RawMessage, path []string, text string) ([]byte, error) {
	if len(path) == 1 {
		value, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		object[path[0]] = value
		return json.Marshal(object)
	}
	inner := map[string]json.RawMessage{}
	if was, ok := object[path[0]]; ok {
		if err := json.Unmarshal(was, &inner); err != nil {
			return nil, err
		}
	}
	value, err := setIn(inner, path[1:], text)
	if err != nil {
		return nil, err
	}
	object[path[0]] = value
	return json.Marshal(object)
}

// request is p as the proxy takes it.
func (p *prepared) request(ctx context.Context, w *way, s settings) (*http.Request, error) {
	to := &url.URL{Scheme: "http", Host: w.proxy.Host, Path: "/proxy"}
	var body io.Reader
	if p.sends || len(p.body) > 0 {
		body = bytes.NewReader(p.body)
	}
	req, err := http.NewRequestWithContext(ctx, p.method, to.String(), body)
	if err != nil {
		return nil, badRequest("%q is no method", p.method)
	}
	req.Header = p.header.Clone()
	for field, values := range p.styles {
		req.Header[field] = values
	}
	req.Header.Set(ourFields+"Target-Url", p.target.String())
	req.Header.Set("Te", "trailers") // behind the body it says how many echoes were taken out
	if user := w.proxy.User; user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if s.agent != "" {
		req.Header.Set(ourFields+"Agent-Id", s.agent)
	}
	if s.token != "" {
		req.Header.Set(ourFields+"Agent-Token", s.token)
	}
	return req, nil
}
