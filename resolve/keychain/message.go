package keychain

import (
	"fmt"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// maxMessage bounds what either side reads; a secret of 64 KiB makes some 88 KiB.
const maxMessage = 256 << 10

// request is what a helper is asked, one in its life.
type request struct {
	Do      string `json:"do"`
	Account string `json:"account,omitempty"`
	Secret  string `json:"secret,omitempty"` // encoded
}

// changes reports whether the keychain is another afterwards.
func (r request) changes() bool { return r.Do == doSet || r.Do == doDelete }

// What a helper can do.
const (
	doGet    = "get"
	doSet    = "set"
	doDelete = "delete"
	doProbe  = "probe"
	doReady  = "ready"
	doLook   = "look"
)

// answer is what a helper says. Detail is for people and made of words of ours, names of errors and numbers: what a
// keychain says in its own words might quote a value.
type answer struct {
	Outcome string `json:"outcome"`
	Detail  string `json:"detail,omitempty"`
	Secret  string `json:"secret,omitempty"` // encoded
}

// How it went.
const (
	done        = "done"
	notFound    = "not_found"
	locked      = "locked"
	unavailable = "unavailable"
	failed      = "failed"
	refused     = "refused"
)

// err is the answer's meaning for whoever asked about ref.
func (a answer) err(ref resolve.Ref) error {
	switch a.Outcome {
	case done:
		return nil
	case notFound:
		return resolve.NotFound(ref)
	case locked:
		return detailed(ErrLocked, a.Detail)
	case unavailable:
		return detailed(ErrUnavailable, a.Detail)
	case refused:
		return errRefused
	}
	return detailed(errFailed, a.Detail)
}

func detailed(err error, detail string) error {
	if detail == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, detail)
}
