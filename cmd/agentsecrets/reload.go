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
	h.proxy.CloseIdle()
	h.messages.Info("reloaded")
	return nil
}

func openRoot(home string) func(ca.Config) (*ca.Authority, error) {
	return func(c ca.Config) (*ca.Authority, error) { return ca.Open(caDir(home), c) }
}
