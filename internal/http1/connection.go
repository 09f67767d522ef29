package http1

// KeepsAlive reports whether the client wants the connection to stay open
// (RFC 9112, 9.3).
func (r *Request) KeepsAlive() bool { return r.options.keepAlive(r.Minor) }

// KeepsAlive reports whether the connection can be used for another request
// once the body has been read.
func (r *Response) KeepsAlive() bool {
	return r.options.keepAlive(r.Minor) && r.Framing.Kind != ToClose && r.Status != 101
}

func (o options) keepAlive(minor int) bool {
	return o&closes == 0 && (minor > 0 || o&keepsAlive != 0)
}

// ExpectsContinue reports whether the client waits for 100 before it sends the
// body. HTTP/1.0 cannot (RFC 9110, 10.1.1).
func (r *Request) ExpectsContinue() bool {
	return r.goesOn && r.Minor > 0 && (r.Framing.Kind == Chunked || r.Framing.Length > 0)
}

// Upgrade is the protocol that the client asks to switch to, nil for none.
// Other versions of HTTP are none: the one in clear was dropped (RFC 9113, 3.1).
func (r *Request) Upgrade() []byte {
	if r.Minor == 0 || r.options&upgrades == 0 {
		return nil
	}
	for e := range elements(r.upgrade) {
		if startsWith(e, "h2c") || startsWith(e, "http/") {
			return nil
		}
	}
	return r.upgrade
}

// Upgrade is the protocol that the origin switches to, nil for none.
func (r *Response) Upgrade() []byte {
	if r.Status != 101 || r.options&upgrades == 0 {
		return nil
	}
	return r.upgrade
}

// EndToEnd keeps, in place, the fields that do not end at this connection
// (RFC 9110, 7.6.1): not those that always do, those that Connection names, and
// those of proxies. Content-Length and Transfer-Encoding
// stay, since a Writer keeps their place and writes what is true; no option
// takes these or Host away.
func EndToEnd(fields []Field) []Field {
	var some [4][]byte
	options := some[:0]
	for _, f := range fields {
		if is(f.Name, "connection") {
			options = append(options, f.Value)
		}
	}
	kept := fields[:0]
	for _, f := range fields {
		switch k := knownName(f.Name); {
		case isHopByHop(f.Name):
		case k != host && k != contentLength && k != transferEncoding && nominated(options, f.Name):
		default:
			kept = append(kept, f)
		}
	}
	return kept
}

func isHopByHop(name []byte) bool {
	return startsWith(name, "proxy-") || is(name, "connection") || is(name, "keep-alive") || is(name, "te") ||
		is(name, "upgrade") || is(name, "http2-settings")
}

func nominated(options [][]byte, name []byte) bool {
	for _, value := range options {
		for o := range elements(value) {
			if same(o, name) {
				return true
			}
		}
	}
	return false
}
