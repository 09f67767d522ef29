package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

// The interop tests of gRPC: Go's server, and Go's client through HTTPS_PROXY.

const grpcHost = "grpc.interop.test"

// grpcCases are those that need no account of a cloud, as grpc-go's own test
// script runs them.
func grpcCases() []string {
	return []string{
		"empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
		"timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response",
		"status_code_and_message", "special_status_message", "custom_metadata",
		"unimplemented_method", "unimplemented_service",
	}
}

// grpcPatience is for one case; the slowest takes a second.
const grpcPatience = 60 * time.Second

// grpcServer starts the suite's server and says on which port.
func (s *stage) grpcServer(ctx context.Context) (*held.Process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	cert, key, err := s.leafFiles(grpcHost)
	if err != nil {
		return nil, "", err
	}
	p, err := server(ctx, s.dir, os.Environ(), "127.0.0.1:"+port,
		s.tool("grpc-server"), "-port", port, "-use_tls", "-tls_cert_file", cert, "-tls_key_file", key)
	return p, port, err
}

// grpcClient is the command of a client that asks a server for one case, and the
// variable by which it is told what verifies the server.
type grpcClient struct {
	roots   string
	command func(s *stage, host, port, name string) []string
}

// grpcGo is the client of the suite.
func grpcGo() grpcClient {
	return grpcClient{"SSL_CERT_FILE", func(s *stage, host, port, name string) []string {
		args := []string{s.tool("grpc-client"), "-use_tls", "-server_host", host, "-server_port", port, "-test_case", name}
		if host != grpcHost { // it would be named without its port, which is another authority
			args = append(args, "-server_host_override", grpcHost)
		}
		return args
	}}
}

// grpcPython is ours, on grpcio: its project gives its interop client to nobody.
func grpcPython() grpcClient {
	return grpcClient{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", func(s *stage, host, port, name string) []string {
		return []string{s.python(), filepath.Join(s.tools, "python", "grpc_client.py"), net.JoinHostPort(host, port), grpcHost, name}
	}}
}

func (c grpcClient) run(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	server, port, err := s.grpcServer(ctx)
	if err != nil {
		return got, err
	}
	defer server.Stop()
	origin, addr := net.JoinHostPort(grpcHost, port), net.JoinHostPort("127.0.0.1", port)
	// First while no value may go there: then all of a stream is copied.
	for _, listed := range []bool{false, true} {
		d, err := s.open(ctx, origin, addr, listed)
		if err != nil {
			return got, err
		}
		err = c.cases(ctx, s, d, port, listed, got)
		d.close()
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func (c grpcClient) cases(ctx context.Context, s *stage, d *door, port string, listed bool, got results) error {
	straight := append(slices.Clip(s.environ), c.roots+"="+s.path("origin-ca.pem"))
	for _, name := range grpcCases() {
		label := name
		if !listed {
			label += ", off the allowlist"
		}
		direct, err := output(ctx, grpcPatience, s.dir, straight, c.command(s, "127.0.0.1", port, name)...)
		if err != nil {
			return err
		}
		through, err := output(ctx, grpcPatience, s.dir, d.environ, c.command(s, grpcHost, port, name)...)
		if err != nil {
			return err
		}
		got.direct[label], got.through[label] = verdictOf(direct), verdictOf(through)
	}
	return nil
}

// verdictOf takes a program by its exit code, and shows why it failed.
func verdictOf(r ran) string {
	if r.ok {
		return passed
	}
	fmt.Fprintln(os.Stderr, last(r.output))
	return failed
}
