package mitm_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// shutdown ends l's proxy, and tells when and how that ended.
func shutdown(l *lab.Lab, patience time.Duration) <-chan error {
	over := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		over <- l.Proxy.Shutdown(ctx)
	}()
	return over
}

func ended(t *testing.T, over <-chan error) error {
	t.Helper()
	select {
	case err := <-over:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("Shutdown does not return")
		return nil
	}
}

// Connections on which nothing is under way are not waited for.
func TestShutdownOfIdleConnections(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	for _, http2 := range []bool{true, false} {
		c := l.NewClient(http2)
		resp, err := c.Get(l.URL(host, "/"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	l.TLS(l.Authority(host), "http/1.1")
	l.Dial()
	if err := ended(t, shutdown(l, time.Hour)); err != nil {
		t.Error(err)
	}
}

// What a client says of our certificate in its last moment is heard; who says
// nothing is not waited for.
func TestShutdownHearsLastWords(t *testing.T) {
	told := make(chan mitm.Shown, 2)
	l := lab.New(t, lab.Config{Allow: []string{host}, Change: func(c *mitm.Config) { c.Shown = func(s mitm.Shown) { told <- s } }})
	silent := l.Connect(l.Authority(host))
	if _, err := silent.Write([]byte{22, 3, 1}); err != nil { // the beginning of a record
		t.Fatal(err)
	}
	looked, ending := make(chan struct{}), make(chan struct{})
	c := tls.Client(l.Connect(l.Authority(host)), &tls.Config{
		ServerName: host, InsecureSkipVerify: true, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error {
			close(looked)
			<-ending
			time.Sleep(50 * time.Millisecond) // Shutdown is under way
			return x509.UnknownAuthorityError{}
		},
	})
	go c.Handshake()
	<-looked
	over := shutdown(l, time.Hour)
	close(ending)
	if err := ended(t, over); err != nil {
		t.Error(err)
	}
	select {
	case s := <-told:
		if s.Sign != mitm.BadCertificate {
			t.Errorf("told %q", s.Sign)
		}
	default:
		t.Error("what a client said while the proxy shut down was not heard")
	}
}

// What is under way comes to its end; nothing new is taken meanwhile, on old
// connections neither.
func TestShutdownWaitsForExchanges(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP/2 %v", http2), func(t *testing.T) {
			o, waiting, open := gateOrigin(t)
			l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
			client := l.NewClient(http2)
			got := make(chan string, 1)
			go func() {
				req, _ := http.NewRequest("GET", l.URL(host, "/wait"), nil)
				req.Header = bearer("KEY")
				resp, err := client.Do(req)
				if err != nil {
					got <- err.Error()
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				got <- fmt.Sprint(resp.StatusCode, " ", string(body), " ", err)
			}()
			until(t, "the exchange is under way", func() bool { return waiting.Load() == 1 })
			over := shutdown(l, time.Hour)
			until(t, "nobody listens any more", func() bool {
				c, err := net.Dial("tcp", l.Addr.String())
				if err == nil {
					c.Close()
				}
				return err != nil
			})
			if resp, err := client.Get(l.URL(host, "/")); err == nil {
				t.Errorf("a new exchange: %s", resp.Status)
				resp.Body.Close()
			}
			select {
			case err := <-over:
				t.Errorf("Shutdown did not wait: %v", err)
			default:
			}
			open()
			if text := <-got; text != "200 ok <nil>" {
				t.Errorf("the exchange ended with %s", text)
			}
			client.CloseIdleConnections()
			if err := ended(t, over); err != nil {
				t.Error(err)
			}
		})
	}
}

// When patience ends, what is left is cut off, and does not look whole.
func TestShutdownHasADeadline(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP/2 %v", http2), func(t *testing.T) {
			l := lab.New(t, lab.Config{Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "a part")
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})})
			resp, err := l.NewClient(http2).Get(l.URL(host, "/"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			over := shutdown(l, 300*time.Millisecond)
			if b, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("%q looks whole", b)
			}
			if err := ended(t, over); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}
