package main

import "testing"

func TestCanary(t *testing.T) {
	for range 20 {
		if err := proveRedaction(); err != nil {
			t.Fatal(err)
		}
	}
}
