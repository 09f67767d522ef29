package client

import (
	"regexp"
	"strings"
)

// What the command says on standard error, read into an error. The words are those
// of docs/errors.md, and stay.

var (
	slugForm    = regexp.MustCompile(`^([a-z]+(?:_[a-z]+)+): `)
	missingForm = regexp.MustCompile(`^secret '([^']*)' not found in keychain(?: or vault)?(?: of project (.*), environment (.*))?$`)
	unknownForm = regexp.MustCompile(`^there is no (workspace|project) "`)
	quotedForm  = regexp.MustCompile(`"([^"]*)"`)
)

// Exit codes of the command.
const (
	exitDenied      = 3
	exitNotFound    = 4
	exitUnreachable = 5
)

// said is what a command that ended with exit has told, without its warnings. ok: it did
// tell something.
func said(stderr string, exit int) (e *Error, ok bool) {
	e = &Error{ExitCode: exit}
	var lines []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\r\n")
		if hint, ok := strings.CutPrefix(line, "hint: "); ok {
			e.Fix = hint
		} else if text, ok := strings.CutPrefix(line, "agentsecrets: "); ok {
			lines = []string{text}
		} else if len(lines) > 0 {
			lines = append(lines, line)
		}
	}
	e.Message = strings.Join(lines, "\n")
	if m := slugForm.FindStringSubmatch(e.Message); m != nil {
		e.Slug, e.Message = m[1], e.Message[len(m[0]):]
	}
	if e.Slug == "" {
		e.Slug = slugOf(e.Message, exit)
	}
	if len(lines) == 0 {
		e.Message = "the agentsecrets command failed and did not say why"
	}
	return e, len(lines) > 0
}

// slugOf tells it by the exit code, where the message begins with none.
func slugOf(message string, exit int) string {
	if m := unknownForm.FindStringSubmatch(message); m != nil {
		return m[1] + "_not_found"
	}
	switch {
	case exit == exitNotFound || missingForm.MatchString(message):
		return "secret_not_found"
	case exit == exitDenied:
		return "permission_denied"
	case exit == exitUnreachable && strings.Contains(message, "not running"):
		return "not_running"
	case exit == exitUnreachable:
		return "proxy_unreachable"
	}
	return ""
}

// missing reads whose absence a message tells of.
func missing(message string) (name, project, environment string) {
	m := missingForm.FindStringSubmatch(message)
	if m == nil {
		return "", "", ""
	}
	return m[1], m[2], m[3]
}

func quoted(message string) string {
	if m := quotedForm.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}
