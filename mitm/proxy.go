package mitm

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/elazarl/goproxy"

	"github.com/agentsecrets/agentsecrets/internal/engine"
	"github.com/agentsecrets/agentsecrets/internal/peer"
)

// Limits on what a client may make us hold before it has said anything useful.
const (
	headTimeout  = 10 * time.Second
	idleTimeout  = 60 * time.Second
	stallTimeout = 5 * time.Minute
	maxHead      = 64 << 10
	maxStreams   = 100
	maxBodyAhead = 1 << 20
)

// Proxy is an HTTPS forward proxy. It is made by New.
type Proxy struct {
	cfg     Config
	runs    runs
	sent    sent
	conns   conns
	gate    *gate
	large   chan struct{} // see messages
	origins origins
	edge    *goproxy.ProxyHttpServer
	outer   *engine.Server // CONNECT, absolute-form and status requests
	http1   *engine.Server // requests inside intercepted connections that speak HTTP/1
	inner   *http.Server   // and HTTP/2
	tunnels *handover
	tls     *tls.Config

	mu      sync.Mutex
	started bool // the inner server runs
	ended   bool // no tunnel is relayed any more
	running sync.WaitGroup
	relays  sync.WaitGroup
	shaking sync.WaitGroup // tunnels whose clients have not ended the handshake
}

// New checks cfg and builds a proxy. It starts nothing.
func New(cfg Config) (*Proxy, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Proxy{cfg: cfg, large: make(chan struct{}, maxLarge), tunnels: newHandover(), sent: newSent()}
	p.gate = &gate{proxy: p}
	p.origins.init(&p.cfg)
	p.edge = p.newEdge()
	p.tls = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       authenticated(),
		CurvePreferences:   onLoopback(),
		NextProtos:         []string{"h2", "http/1.1"},
		GetConfigForClient: checkServerName,
		GetCertificate:     p.certificate,

		// A ticket that TLS 1.3 sends behind the handshake is read by one thread of a client
		// while another writes the first request, which OpenSSL is not made for: on a busy
		// machine one program in sixty with python-websockets and threads then waited until
		// its connection was closed. A resumed session would save a signature.
		SessionTicketsDisabled: true,
	}
	quiet := log.New(io.Discard, "", 0) // net/http logs what clients send; we log what we decide
	wait := cfg.Timeouts
	broken := func(v any) { p.cfg.panicked("connection", v) }
	p.outer = &engine.Server{
		Handler: http.HandlerFunc(p.serveOuter), HeadTimeout: wait.head(), IdleTimeout: wait.idle(), StallTimeout: wait.stall(),
		Refused: p.unreadable, ConnState: p.countClient, ConnContext: p.withClient, Waits: peer.Waits, Panicked: broken,
	}
	p.inner = &http.Server{
		Handler: http.HandlerFunc(p.serveInner), ErrorLog: quiet,
		ReadHeaderTimeout: wait.head(), IdleTimeout: wait.idle(), MaxHeaderBytes: maxHead,
		DisableGeneralOptionsHandler: true,
		HTTP2:                        wait.towardClients(),
		ConnContext:                  tunnelContext,
		ConnState:                    p.followTunnel,
	}
	p.http1 = &engine.Server{
		Handler: http.HandlerFunc(p.serveInner), HeadTimeout: wait.head(), IdleTimeout: wait.idle(), StallTimeout: wait.stall(),
		Refused: p.unreadable, ConnState: p.followTunnel, Waits: peer.Waits, Panicked: broken,
	}
	return p, nil
}

// authenticated are the cipher suites of TLS 1.2 that authenticate what they
// encrypt. Go offers those in CBC mode as well, and every client that speaks TLS
// 1.2 to APIs has these. Leaves have ECDSA keys.
func authenticated() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// onLoopback are key exchanges for clients. ML-KEM guards against who records now
// and decrypts in years; nobody but root records what stays on this machine, and
// both sides save a fifth of the handshake. Origins are offered it.
func onLoopback() []tls.CurveID { return []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384} }

// Serve answers clients on l until Shutdown, then returns http.ErrServerClosed.
// l's address is never dialled as an origin. It may be called for several listeners.
func (p *Proxy) Serve(l net.Listener) error {
	p.origins.own(l.Addr())
	p.mu.Lock()
	if !p.started {
		p.started = true
		p.running.Go(func() { p.inner.Serve(p.tunnels) })
	}
	p.mu.Unlock()
	return p.outer.Accept(gated{l, p.gate})
}

// VerifyAnew has every exchange from now on verify its origin anew, by the roots
// of now. Exchanges under way go on as they began.
func (p *Proxy) VerifyAnew() { p.origins.renew() }

// await returns when all of wg are done, or ctx ends.
func await(ctx context.Context, wg *sync.WaitGroup) {
	over := make(chan struct{})
	go func() {
		wg.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// lastWords is how long a shutdown waits for what clients say of our certificate
// that they were shown just before.
const lastWords = 500 * time.Millisecond

func (p *Proxy) awaitHandshakes(ctx context.Context) {
	if ctx.Err() != nil {
		return // some may still begin
	}
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	await(ctx, &p.shaking)
}

// Shutdown takes no new connection, waits for exchanges under way until ctx
// ends, then closes what is left.
func (p *Proxy) Shutdown(ctx context.Context) error {
	errOuter := p.outer.Shutdown(ctx)
	p.awaitHandshakes(ctx)
	errInner := p.inner.Shutdown(ctx)
	if errInner != nil {
		p.inner.Close()
	}
	errHTTP1 := p.http1.Shutdown(ctx)
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	await(ctx, &p.relays)
	p.tunnels.Close()
	p.conns.closeAll()
	p.relays.Wait() // for their records
	p.origins.close()
	p.running.Wait()
	return errors.Join(errOuter, errInner, errHTTP1)
}
