//go:build !quickpassword

package password

// What Hash uses (the second recommended option of RFC 9106, 4), and the least that Verify takes.
const (
	memory = 64 << 10 // KiB
	passes = 3
)
