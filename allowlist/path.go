package allowlist

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Path patterns. In a pattern a * stands for any text inside one segment, and one
// that is the last segment for the rest of the path, however deep. Patterns and
// paths are compared segment by segment, each decoded once (RFC 3986, 6.2.2.2). A
// path that some server could read as another one is not matched by any pattern:
// dot segments, empty segments, slashes and percent signs that are percent-encoded.

// ParsePath reads a path pattern as people write it, such as /v1/charges or
// /bot*/sendMessage or /v1/*, and returns it in its one form.
func ParsePath(s string) (string, error) {
	pattern, err := normalPath(s)
	if err != nil {
		return "", fmt.Errorf("the path %q %w; write it like /v1/charges or /v1/*", s, err)
	}
	return pattern, nil
}

func normalPath(s string) (string, error) {
	rest, ok := strings.CutPrefix(s, "/")
	if !ok {
		return "", errors.New("does not begin with a slash")
	}
	segments := strings.Split(rest, "/")
	for i, seg := range segments {
		pieces, ok := readPieces(seg)
		switch {
		case strings.Contains(seg, "**"):
			return "", errors.New("has **: a * at the end stands for the rest of the path")
		case !ok, seg == "" && i < len(segments)-1:
			return "", errors.New("can be read as another path: no empty or dot segments, no encoded slash or percent sign, no query")
		}
		for i, piece := range pieces {
			pieces[i] = url.PathEscape(piece)
		}
		segments[i] = strings.Join(pieces, "*")
	}
	return "/" + strings.Join(segments, "/"), nil
}

// readPieces decodes what stands between the stars of a segment.
func readPieces(seg string) (pieces []string, plain bool) {
	for piece := range strings.SplitSeq(seg, "*") {
		text, err := url.PathUnescape(piece)
		if err != nil {
			return nil, false
		}
		pieces = append(pieces, text)
	}
	return pieces, plainSegment(strings.Join(pieces, "*"))
}

// plainSegment reports whether all servers take text, which has been decoded, for
// one segment with no meaning of its own. Some cut it at a semicolon first, some
// take a backslash for a slash, some decode again.
func plainSegment(text string) bool {
	name, _, parameter := strings.Cut(text, ";")
	if name == "." || name == ".." || name == "" && parameter || !utf8.ValidString(text) {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`/\%?#`, r) })
}

// plainPath is the decoded segments of the path of a request; ok is false for one
// that could be read as another.
func plainPath(path string) (segments []string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/")
	segments = strings.Split(rest, "/")
	for i, seg := range segments {
		text, err := url.PathUnescape(seg)
		if err != nil || !plainSegment(text) || text == "" && i < len(segments)-1 {
			return nil, false
		}
		segments[i] = text
	}
	return segments, ok
}

// matchPath reports whether pattern covers the path of a request.
func matchPath(pattern, path string) bool {
	got, ok := plainPath(path)
	if !ok {
		return false
	}
	return matchSegments(pattern, got, func(want, got string) bool {
		pieces, ok := readPieces(want)
		return ok && matchPieces(pieces, got)
	})
}

// matchSegments compares a pattern with segments, of which the last * takes all.
func matchSegments(pattern string, segments []string, match func(want, got string) bool) bool {
	want := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	if last := len(want) - 1; want[last] == "*" && len(segments) > last {
		want, segments = want[:last], segments[:last]
	}
	return slices.EqualFunc(want, segments, match)
}

func matchPieces(pieces []string, text string) bool {
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(pieces) == 1 {
		return text == first
	}
	text, begins := strings.CutPrefix(text, first)
	text, ends := strings.CutSuffix(text, last)
	for _, piece := range pieces[1 : len(pieces)-1] {
		_, after, ok := strings.Cut(text, piece)
		if !ok {
			return false
		}
		text = after
	}
	return begins && ends
}

// coversPath reports whether the pattern wide is known to match all that the
// pattern narrow matches.
func coversPath(wide, narrow string) bool {
	segments := strings.Split(strings.TrimPrefix(narrow, "/"), "/")
	return matchSegments(wide, segments, func(want, got string) bool {
		pieces, ok := readPieces(want)
		text, err := url.PathUnescape(got)
		literal := ok && err == nil && !strings.Contains(got, "*") && matchPieces(pieces, text)
		return want == "*" || want == got || literal
	})
}

// patternOf is the narrowest pattern that matches path, "" if none does.
func patternOf(path string) string {
	segments, ok := plainPath(path)
	if !ok {
		return ""
	}
	for i, text := range segments {
		segments[i] = url.PathEscape(text) // a star becomes %2A
	}
	return "/" + strings.Join(segments, "/")
}
