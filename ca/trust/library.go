package trust

import (
	"context"
	"errors"
	"fmt"

	"github.com/smallstep/truststore"
)

// library is the system's store of whatever is not Debian, through truststore. That runs sudo, which asks for a
// password, unless we are root already: so we have to be.
type library struct{}

func (library) name() string { return libraryPlace }

func (library) look(ctx context.Context, r *root) (bool, error) { return systemHas(ctx, r) }

func (l library) add(_ context.Context, r *root) error {
	if !mayChangeSystem() {
		return &rightsError{l.name()}
	}
	return explain(truststore.Install(r.cert))
}

func (l library) remove(ctx context.Context, r *root) error {
	if has, err := systemHas(ctx, r); !has && err == nil {
		return nil
	}
	if !mayChangeSystem() {
		return &rightsError{l.name()}
	}
	err := truststore.Uninstall(r.cert)
	if errors.Is(err, truststore.ErrNotFound) {
		return nil
	}
	return explain(err)
}

// explain adds what the tool said, which truststore's errors have but do not print.
func explain(err error) error {
	var cmd *truststore.CmdError
	switch {
	case errors.Is(err, truststore.ErrNotSupported), errors.Is(err, truststore.ErrTrustNotSupported):
		return &problem{reason: "no way is known to change this system's trust store", unavailable: true}
	case errors.As(err, &cmd):
		return fmt.Errorf("%w: %s", err, lastLine(cmd.Out()))
	}
	return err
}
