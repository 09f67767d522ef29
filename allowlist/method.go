package allowlist

import (
	"fmt"
	"strings"
)

// ParseMethod reads a method as people write it. Those that the proxy never
// forwards are refused.
func ParseMethod(s string) (string, error) {
	method := strings.ToUpper(s) // of methods on the wire case matters (RFC 9110, 9.1)
	switch {
	case s == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "": // as all that are registered
		return "", fmt.Errorf("%q is no method; write one like GET or POST", s)
	case method == "CONNECT" || method == "TRACE" || method == "TRACK":
		return "", fmt.Errorf("the method %s is never forwarded", method)
	}
	return method, nil
}
