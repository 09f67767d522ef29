// Package differ holds the test that what passes through the proxy is what
// passes without it: generated exchanges are played straight and through us, and
// the origin's and the client's side of both are compared byte for byte. What
// may differ is a closed list of changes, which docs/protocols.md repeats.
//
//	go test ./internal/differ -seed 7 -exchanges 300
package differ
