//go:build quickpassword

package password

import "testing"

// Of tests that type passwords by the hundred: half of what they took was this.
const (
	memory = 64 // KiB
	passes = 1
)

func init() {
	if !testing.Testing() {
		panic("password: -tags quickpassword makes passwords that can be guessed; it is for test programs alone")
	}
}
