package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/ca/trust"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/internal/peer"
)

// daemon says whether the proxy in the background runs, and is of this version.
func (x *checkup) daemon(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "proxy", OK: true}
	st, err := askDaemon(ctx, x.home)
	left := daemon.Left(x.home)
	switch {
	case err == nil && st.Version != version():
		c.warns("agentsecrets proxy stop"+" && "+"agentsecrets proxy start --port "+strconv.Itoa(st.Port),
			fmt.Sprintf("version %s runs on 127.0.0.1:%d, and this is %s", st.Version, st.Port, version()))
	case err == nil:
		c.Detail = fmt.Sprintf("runs on 127.0.0.1:%d", st.Port)
	case len(left) > 0:
		if port, who := heir(x.home); who != "" {
			c.OK, c.Hint = false, leaveProxy
			c.Detail = fmt.Sprintf("it was killed, and its port %d is in use by %s, which gets what programs still send there", port, who)
			return c
		}
		c.warns("", "it was killed, and left files")
		c.Cells, c.Missed = len(left), left
		x.mend(&c, func() error { return daemon.ClearLeft(x.home) })
	case errors.Is(err, daemon.ErrNotRunning):
		c.Detail = "not running; runs have one of their own"
	default:
		return failed(c.What, err)
	}
	return c
}

// port says who has the port that programs find the proxy by.
func (x *checkup) port(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "port", OK: true}
	if st, err := askDaemon(ctx, x.home); err == nil {
		if err := ownPort(st); err != nil {
			return failed(c.What, err)
		}
		c.Detail = strconv.Itoa(st.Port) + " is the proxy's"
		return c
	}
	port := defaultPort
	if n, err := strconv.Atoi(x.a.variable("AGENTSECRETS_PORT")); err == nil && n > 0 && n < 1<<16 {
		port = n
	}
	switch _, err := peer.Listening(loopback(port)); {
	case err == nil:
		c.warns("agentsecrets proxy start --port "+strconv.Itoa(freePortAfter(port)), fmt.Sprintf("%d is in use by %s", port, whoHas(port)))
	case errors.Is(err, peer.ErrNotFound):
		c.Detail = strconv.Itoa(port) + " is free"
	default:
		c.Detail = "this system does not tell who has one"
	}
	return c
}

// freePortAfter is the next port that can be had; 0, which is any, if none is near.
func freePortAfter(port int) int {
	for p := port + 1; p < min(port+100, 1<<16); p++ {
		l, err := net.Listen("tcp", loopback(p).String())
		if err != nil {
			continue
		}
		also, err := listenToo(p)
		l.Close()
		if also != nil {
			also.Close()
		}
		if err == nil {
			return p
		}
	}
	return 0
}

// root looks at the root certificate of the proxy in the background.
func (x *checkup) root() doctorCheck {
	c := doctorCheck{What: "root certificate", OK: true}
	roots, err := ca.Inspect(caDir(x.home), ca.Config{})
	var early *ca.ValidityError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Detail = "none yet: the first agentsecrets proxy start makes it"
	case errors.As(err, &early) && early.Command() == "":
		c.OK, c.Detail, c.Hint = false, err.Error(), setClock()
	case err != nil:
		return failed(c.What, err)
	case len(roots) == 1 && ca.Near(roots, time.Now()):
		c.warns("agentsecrets ca bundle >/dev/null", "it ends on "+roots[0].NotAfter.UTC().Format(time.DateOnly)+", and the next one is not made yet")
	case len(roots) == 2:
		c.Detail = fmt.Sprintf("signs until %s, then the next one does, which is there", roots[0].Until.UTC().Format(time.DateOnly))
	default:
		c.Detail = "signs until " + roots[0].Until.UTC().Format(time.DateOnly)
	}
	return c
}

// trust says which trust stores hold our roots. No run needs that.
func (x *checkup) trust(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "trust stores", OK: true}
	roots, err := ca.Roots(caDir(x.home))
	if err != nil {
		c.Detail = "hold no root of ours, which runs do not need"
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	in, stores := make([][]string, len(roots)), []string{}
	for i, r := range roots {
		report, err := trust.Status(ctx, trust.Config{PEM: r.PEM, Stores: []string{trust.System, trust.NSS}}) // Java's answer takes a second
		if err != nil && report == nil {
			c.warns("agentsecrets ca status", "not checked: "+err.Error())
			return c
		}
		for _, one := range report {
			if one.State == trust.Installed {
				in[i] = append(in[i], one.Place)
				if !slices.Contains(stores, one.Store) {
					stores = append(stores, one.Store)
				}
			}
		}
	}
	last := in[len(in)-1]
	switch {
	case len(in[0]) == 0 && len(last) == 0:
		c.Detail = "hold no root of ours, which runs do not need"
	case len(last) < len(in[0]):
		c.warns("agentsecrets ca install --store "+strings.Join(stores, ","), "the next root is not in "+strings.Join(in[0], ", ")+" yet")
	default:
		c.Detail = strings.Join(last, ", ")
	}
	return c
}

// hardening says whether neighbours can read what this process, and each other of ours
// that holds values, has in memory.
func (x *checkup) hardening() doctorCheck {
	c := doctorCheck{What: "memory is hidden", OK: true}
	hidden, err := harden.Hidden()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		c.Detail = "this system lets no program hide; crashes are not written down"
	case err != nil:
		return failed(c.What, err)
	case !hidden:
		c.OK, c.Hint, c.Detail = false, "agentsecrets version", "neighbours can read it"
	default:
		c.Detail = "no ptrace, no core dump"
	}
	return c
}

// tier says what the set-up stops, in the words of the threat model.
func (x *checkup) tier() doctorCheck {
	c := doctorCheck{What: "tier", OK: true, Detail: "T1, same user: it is not a sandbox, a program outside a run can ask the store as you do; " +
		"a user of its own (T2) or an isolated run (T3) would raise it, which this version has not"}
	if os.Geteuid() == 0 {
		c.Detail = "T1, and you are root, from whom nothing is hidden; a user of your own that is not root would do better"
	}
	return c
}
