package main

import (
	"bytes"

	"github.com/agentsecrets/agentsecrets/ca"
)

// reload reads again what is not followed anyway, without ending a connection:
// the root CA that clients see, and the files of --origin-ca. If one cannot be
// used, all stays as it was.
func (h *house) reload() error {
	before := h.authority.Load()
	err := h.openAuthority(openRoot(h.where.home))
	if err == nil && bytes.Equal(before.PEM(), h.authority.Load().PEM()) {
		h.authority.Store(before) // with the leaves that it has minted
	}
	if err == nil {
		if err = h.origins.reload(); err != nil {
			h.authority.Store(before)
		}
	}
	if err != nil {
		h.messages.Error("reload failed, nothing has changed", "err", err)
		return err
	}
	h.proxy.VerifyAnew()
	h.messages.Info("reloaded")
	return nil
}

// followRoot takes the next root when it is its time to sign, by the clock: it
// may have been set, or have stood still while the machine slept.
func (h *house) followRoot() {
	before := h.authority.Load()
	if before.Current() {
		return
	}
	if err := h.openAuthority(openRoot(h.where.home)); err != nil {
		h.messages.Error("the root certificate cannot be followed by the next one", "err", err)
		return
	}
	switch after := h.authority.Load(); {
	case !bytes.Equal(before.PEM(), after.PEM()):
		h.messages.Warn("another root certificate signs now; programs that do not trust it need agentsecrets proxy env anew, or agentsecrets ca install")
	case !bytes.Equal(before.Trusted(), after.Trusted()):
		h.messages.Warn("a new root certificate was made, which will sign in 30 days: see agentsecrets ca status")
	}
}

func openRoot(home string) func(ca.Config) (*ca.Authority, error) {
	return func(c ca.Config) (*ca.Authority, error) { return ca.Open(caDir(home), c) }
}
