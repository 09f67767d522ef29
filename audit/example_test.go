package audit_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
)

func Example() {
	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	l, err := audit.Open(audit.Config{Dir: filepath.Join(dir, "audit"), Key: audit.KeyFile(filepath.Join(dir, "audit.key")).Make})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	e := audit.Event{
		ID: audit.NewID(), Event: audit.Decided, Status: audit.OK, SecretKeys: []string{"STRIPE_KEY"},
		Places: []string{"header:authorization"}, Method: "GET", Domain: "api.stripe.com",
	}
	if err := l.Write(e); err != nil { // no record, no value
		log.Fatal(err)
	}
	e.Event, e.Timestamp, e.StatusCode = audit.Done, time.Now(), 200
	if err := l.Write(e); err != nil {
		log.Fatal(err)
	}

	events, err := audit.Read(filepath.Join(dir, "audit"), audit.Filter{Last: 10, Secret: "STRIPE_KEY"})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range events {
		fmt.Println(e.SecretKeys, e.Method, e.Domain, e.StatusCode, e.Status)
	}
	// Output: [STRIPE_KEY] GET api.stripe.com 200 OK
}
