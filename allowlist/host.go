package allowlist

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Longest name and label, in A-label form (RFC 1035, 2.3.4).
const (
	maxHost  = 253
	maxLabel = 63
)

// NormalHost brings a host into the one form in which hosts are compared: an IP literal as netip writes it, without
// brackets, or LDH labels in lower case, A-labels where the name has others (IDNA2008, RFC 5891), one trailing dot
// taken off. Everything else is an error, so that no two readers can take one text for two hosts.
func NormalHost(host string) (string, error) {
	if err := plainText(host); err != nil {
		return "", err
	}
	if strings.Contains(host, ":") || looksNumeric(host) {
		return normalAddr(host)
	}
	name := strings.TrimSuffix(host, ".")
	if !plainASCII(name) {
		var err error
		if name, err = toASCII(name); err != nil {
			return "", err
		}
	}
	name = strings.ToLower(name)
	// Mapping can make digits out of others (①②⑦ is 127): an address must be written as one.
	if looksNumeric(name) {
		return "", errors.New("is neither an IP address nor a name: the last label of a name is not a number")
	}
	return name, checkLabels(name)
}

// plainText refuses what has no business in a host at all, by the name of the mistake.
func plainText(host string) error {
	switch {
	case host == "":
		return errors.New("is empty")
	case len(host) > 4*maxHost: // before any work is done on it; IDNA can only shrink a name so far
		return fmt.Errorf("is longer than the %d characters of a host name", maxHost)
	case !utf8.ValidString(host):
		return errors.New("is not valid UTF-8")
	}
	for _, r := range host {
		if reason := misplaced(r); reason != "" {
			return errors.New(reason)
		}
	}
	return nil
}

func misplaced(r rune) string {
	switch {
	case unicode.IsControl(r):
		return "contains a control character"
	case unicode.IsSpace(r):
		return "contains a space"
	case r == '%':
		return "contains a percent sign: a host is neither percent-encoded nor has a zone"
	case r == '@':
		return "contains an @: a host has no user name"
	case strings.ContainsRune(`/\?#`, r):
		return fmt.Sprintf("contains %q, which ends a host", r)
	case r == '[', r == ']':
		return "contains a bracket in the wrong place"
	case r == '*':
		return "contains a * in the wrong place"
	case r == '_':
		return "contains an underscore, which the name of a host cannot have (RFC 1123, 2.1)"
	// Invisible characters that mapping would drop in silence. Joiners have a meaning in some scripts; IDNA looks
	// after those (RFC 5892, appendix A).
	case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d':
		return fmt.Sprintf("contains the invisible character %U", r)
	}
	return ""
}

// looksNumeric tells hosts that some resolver takes for an IPv4 address: those whose last label is a number, in the
// C notation too (127.1, 0x7f.1, 017700000001; URL Standard, "ends in a number checker").
func looksNumeric(host string) bool {
	last := strings.TrimSuffix(host, ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	if len(last) > 1 && (last[:2] == "0x" || last[:2] == "0X") {
		return strings.Trim(last[2:], "0123456789abcdefABCDEF") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func normalAddr(host string) (string, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil { // a zone is not possible here: it takes a percent sign
		return "", errors.New("is neither an IP address nor a name")
	}
	return addr.String(), nil
}

// plainASCII tells names that need no IDNA: ASCII, and no label that claims to be an A-label.
func plainASCII(name string) bool {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return false
		}
		if (name[i] == 'x' || name[i] == 'X') && (i == 0 || name[i-1] == '.') && len(name) >= i+4 && strings.EqualFold(name[i:i+4], "xn--") {
			return false
		}
	}
	return true
}

func toASCII(name string) (string, error) {
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(false), idna.VerifyDNSLength(true))
	ascii, err := profile.ToASCII(name)
	if err != nil {
		return "", errors.New("is not a valid internationalised name (IDNA2008)")
	}
	return ascii, nil
}

func checkLabels(name string) error {
	if len(name) > maxHost {
		return fmt.Errorf("is longer than the %d characters of a host name", maxHost)
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return errors.New("has an empty label (two dots in a row, or one at the start)")
		case len(label) > maxLabel:
			return fmt.Errorf("has a label longer than %d characters", maxLabel)
		case label[0] == '-' || label[len(label)-1] == '-':
			return errors.New("has a label that begins or ends with a hyphen")
		}
		for _, r := range label {
			if !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-') {
				return fmt.Errorf("contains %q: names have letters, digits and hyphens", r)
			}
		}
	}
	return nil
}
