package mitm_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// leftWithin is how soon an origin's request is over when the client has left.
const leftWithin = 50 * time.Millisecond

// Who leaves takes the origin's request along, whichever protocols are spoken,
// before the response and in it. On a busy machine that may take longer, but not always.
func TestV6LeavingIsPassedOn(t *testing.T) {
	for _, begun := range []bool{false, true} {
		for _, client1 := range []bool{true, false} {
			for _, origin1 := range []bool{true, false} {
				t.Run(fmt.Sprintf("response has begun %v, client %d, origin %d", begun, version(client1), version(origin1)), func(t *testing.T) {
					asked, over := make(chan bool, 1), make(chan time.Time, 1)
					l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, ClientH1: client1, OriginH1: origin1, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if begun {
							http.NewResponseController(w).Flush()
						}
						asked <- true
						<-r.Context().Done()
						over <- time.Now()
					})})
					var all []time.Duration
					for range 10 {
						ctx, leave := context.WithCancel(t.Context())
						ended := make(chan error, 1)
						go func() { ended <- waitFor(ctx, l) }()
						<-asked
						if begun {
							time.Sleep(time.Millisecond) // it should be on its way through
						}
						left := time.Now()
						leave()
						all = append(all, (<-over).Sub(left))
						if err := <-ended; err == nil {
							t.Fatal("nobody left")
						}
						if all[len(all)-1] < leftWithin {
							t.Log(all)
							return
						}
					}
					t.Errorf("over after %v", all)
				})
			}
		}
	}
}

func waitFor(ctx context.Context, l *lab.Lab) error {
	req, err := http.NewRequestWithContext(ctx, "GET", l.URL(host, "/"), nil)
	if err != nil {
		return err
	}
	req.Header = bearer("KEY")
	resp, err := l.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// A connection over HTTP/2 outlives the exchange that its client left. It ends
// when the origin does not answer a ping, and, if it does, when nobody asks anything.
func TestV6SilentOriginsHTTP2(t *testing.T) {
	for name, c := range map[string]struct {
		pongs bool
		wait  mitm.Timeouts
	}{
		"answers nothing":    {false, mitm.Timeouts{Ping: 200 * time.Millisecond}},
		"answers pings only": {true, mitm.Timeouts{Ping: 200 * time.Millisecond, Pool: 500 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			asked, pinged, ended := make(chan bool, 10), make(chan bool, 1000), make(chan error, 10)
			port, roots := connOrigin(t, func(conn net.Conn) {
				defer conn.Close()
				if k := newTalker(t, conn, false, true); k != nil {
					ended <- k.readsOnly(c.pongs, asked, pinged)
				}
			}, "h2")
			authority := fmt.Sprintf("%s:%d", host, port)
			l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{authority}, Change: func(mc *mitm.Config) {
				mc.Roots, mc.Timeouts = func(string) *x509.CertPool { return roots }, c.wait
			}})
			l.Port = port
			ctx, leave := context.WithCancel(t.Context())
			go func() {
				<-asked
				leave()
			}()
			if err := waitFor(ctx, l); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection is still there")
				}
			case <-time.After(20 * time.Second):
				t.Error("the connection is still there")
			}
			if len(pinged) == 0 {
				t.Error("the origin was not asked whether it is there")
			}
		})
	}
}

// readsOnly reads until the connection ends, and says why.
func (k *talker) readsOnly(pongs bool, asked, pinged chan<- bool) error {
	for {
		f, err := k.ReadFrame()
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = k.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			asked <- true
		case *http2.PingFrame:
			pinged <- true
			if pongs {
				_ = k.WritePing(true, f.Data)
			}
		}
	}
}
