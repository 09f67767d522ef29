package freeport

import (
	"fmt"
	"net"
	"testing"
)

func TestFind(t *testing.T) {
	seen := map[int]bool{}
	for range 100 {
		port, err := Find()
		if err != nil || port < first || port >= end || seen[port] {
			t.Fatalf("port %d, %v", port, err)
		}
		seen[port] = true
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}

// What somebody listens on is passed over.
func TestFindPasses(t *testing.T) {
	at := int(drawn.Load())
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+(at+1)%(end-first)))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port, err := Find()
	if err != nil || port == taken.Addr().(*net.TCPAddr).Port {
		t.Errorf("port %d, %v", port, err)
	}
}
