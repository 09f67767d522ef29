package main

// The residual list: what comes back although the value in it is known, as
// docs/redaction.md says. A test holds the two together.

// overLinesInStream is the one that hangs on the place.
const overLinesInStream = "broken over lines in a stream"

// residuals are the encoders whose echoes nobody promises to find.
func residuals() []string {
	return []string{
		"reversed", "base64 of base64", "base64 of UTF-16", "base64 of gzip", "spelled out", "hex with colons", "rot13",
		"mixed case", "five layers", "base32", "base85", "uuencode", overLinesInStream,
	}
}

// residual is the entry under which c is published, "" if there is none.
func residual(c *cell) string {
	switch {
	case c.encoded.name == "mixed case" && c.place.named:
		return "" // names are looked at in any case
	case c.encoded.residual:
		return c.encoded.name
	case c.overLines() && c.place.body && c.chunks == oneByte:
		return overLinesInStream
	}
	return ""
}
