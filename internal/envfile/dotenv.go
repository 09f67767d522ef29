package envfile

import (
	"bytes"
	"strings"
)

// What a .env file may hold, where its readers agree, and what is taken where they do not:
//
//	NAME=text            to the end of the line, without blanks at both ends; # after a blank begins a comment
//	NAME='text'          as it is, over several lines if need be; `text` likewise
//	NAME="text"          likewise, with \n \r \t \\ \" \' \` \$ for what they stand for elsewhere, other backslashes as they are
//	export NAME=…        the same
//	# comment            also behind a value
//
// A $ is a $. A quote that is not closed, what follows one that is, and a line without NAME= are errors.

type dotenv struct {
	file *File
	rest []byte
	line int
}

func readDotenv(asked Format, data []byte) (*File, error) {
	d := dotenv{file: &File{Format: Dotenv}, rest: data, line: 1}
	for len(d.rest) > 0 {
		if err := d.statement(); err != nil {
			return nil, err
		}
	}
	d.file.settleDoppler(asked)
	return d.file, nil
}

func (d *dotenv) fail(line int, reason string) error {
	return &SyntaxError{Format: Dotenv, Line: line, Reason: reason}
}

// take returns the next n bytes.
func (d *dotenv) take(n int) []byte {
	b := d.rest[:n]
	d.line += bytes.Count(b, []byte("\n"))
	d.rest = d.rest[n:]
	return b
}

func (d *dotenv) skipBlanks() { d.take(len(d.rest) - len(bytes.TrimLeft(d.rest, " \t"))) }

// restOfLine takes a line with its end, and returns it without.
func (d *dotenv) restOfLine() []byte {
	n := bytes.IndexByte(d.rest, '\n')
	if n < 0 {
		return d.take(len(d.rest))
	}
	return bytes.TrimSuffix(d.take(n + 1)[:n], []byte("\r"))
}

// statement takes a line, or as many as a quoted value has.
func (d *dotenv) statement() error {
	d.skipBlanks()
	line := d.line
	end := bytes.IndexByte(d.rest, '\n')
	if end < 0 {
		end = len(d.rest)
	}
	text := bytes.TrimRight(d.rest[:end], "\r")
	if len(bytes.TrimRight(text, " \t")) == 0 || text[0] == '#' {
		d.restOfLine()
		return nil
	}
	name, _, found := bytes.Cut(text, []byte("="))
	if !found {
		return d.fail(line, "it has no NAME=")
	}
	d.take(len(name) + 1)
	e := Entry{Name: nameIn(name), Line: line}
	if e.Name == "" {
		return d.fail(line, "what stands before = is no name")
	}
	equals := len(d.rest)
	d.skipBlanks()
	value, err := d.value(&e, len(d.rest) < equals)
	if err != nil {
		return err
	}
	return d.file.put(e, value)
}

func nameIn(b []byte) string {
	if rest, found := bytes.CutPrefix(b, []byte("export")); found && len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		b = rest
	}
	b = bytes.Trim(b, " \t")
	for i, c := range b {
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '-') {
			return ""
		}
	}
	return string(b)
}

// value takes what stands behind the =, and behind blanks if there are some.
func (d *dotenv) value(e *Entry, blanks bool) ([]byte, error) {
	if len(d.rest) == 0 {
		return nil, nil
	}
	switch quote := d.rest[0]; quote {
	case '"', '\'', '`':
		return d.quoted(e, quote)
	}
	text := d.restOfLine()
	for i, c := range text {
		if c == '#' && (i == 0 && blanks || i > 0 && (text[i-1] == ' ' || text[i-1] == '\t')) {
			text = text[:i] // a comment
			break
		}
	}
	text = bytes.TrimRight(text, " \t")
	switch {
	case bytes.IndexByte(text, '$') >= 0:
		e.Note = noteDollar
	case bytes.IndexByte(text, '#') >= 0:
		e.Note = noteHash
	}
	return text, nil
}

const (
	noteDollar    = "holds a $, which stays one; other readers may put a variable in its place"
	noteHash      = "holds a # that is part of it; other readers may take it for a comment"
	noteBackslash = "holds a backslash in double quotes; readers differ in which of them are escapes"
)

// quoted takes a quoted value, and what may follow it on its last line.
func (d *dotenv) quoted(e *Entry, quote byte) ([]byte, error) {
	line := d.line
	end := closing(d.rest, quote)
	if end < 0 {
		return nil, d.fail(line, "a quote is not closed")
	}
	value := d.take(end + 1)[1:end]
	if quote == '"' {
		switch {
		case bytes.IndexByte(value, '\\') >= 0:
			e.Note = noteBackslash
			value = unescape(value)
		case bytes.IndexByte(value, '$') >= 0:
			e.Note = noteDollar
		}
	}
	line = d.line
	if tail := bytes.Trim(d.restOfLine(), " \t"); len(tail) > 0 && tail[0] != '#' {
		return nil, d.fail(line, "something follows the closing quote")
	}
	return value, nil
}

// closing is where the quote that b begins with ends, or -1.
func closing(b []byte, quote byte) int {
	for i := 1; i < len(b); i++ {
		switch {
		case quote == '"' && b[i] == '\\':
			i++
		case b[i] == quote:
			return i
		}
	}
	return -1
}

func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		switch at := strings.IndexByte("nrt\\\"'`$", b[i]); at {
		case -1:
			out = append(out, '\\', b[i])
		default:
			out = append(out, "\n\r\t\\\"'`$"[at])
		}
	}
	return out
}
