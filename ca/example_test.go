package ca_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"

	"github.com/agentsecrets/agentsecrets/ca"
)

func Example() {
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())

	here, there := net.Pipe()
	go tls.Server(there, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return authority.Leaf("api.acme.test")
	}}).Handshake()

	client := tls.Client(here, &tls.Config{RootCAs: roots, ServerName: "api.acme.test"})
	fmt.Println(client.Handshake(), client.ConnectionState().PeerCertificates[0].DNSNames)
	// Output: <nil> [api.acme.test]
}
