package placeholder

import "strings"

// MayHold is quick to say that [FindEncoded] finds nothing in s: for most texts
// it is all that the search for placeholders costs.
func MayHold(s string, as Encoding) bool {
	if strings.Contains(s, Prefix) {
		return true
	}
	if as&Base64 != 0 && len(s) >= minToken64 && mayHoldBase64(s) {
		return true
	}
	return as&Percent != 0 && escapesWord(s)
}

// minToken64 is the length of the shortest of prefixes64.
const minToken64 = len("BU19TRUNSRVRf")

// escapesWord reports whether s has a percent escape that stands for a byte of a
// word: others cannot be part of a placeholder, nor of what base64 makes of one.
func escapesWord(s string) bool {
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 || len(s)-i < len("%41") {
			return false
		}
		if h, l := unhex(s[i+1]), unhex(s[i+2]); h >= 0 && l >= 0 && wordByte(byte(h<<4|l)) {
			return true
		}
		s = s[i+1:]
	}
}
