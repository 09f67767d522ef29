package allowlist_test

import (
	"errors"
	"fmt"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

func Example() {
	rule, err := allowlist.ParseRule("*.acme.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	list := &allowlist.List{Rules: []allowlist.Rule{rule}}

	use := allowlist.Use{Name: "ACME_KEY", Host: "api.acme.example", Port: 443, Place: "header:authorization"}
	fmt.Println(list.Check(use))

	use.Host = "evil.example"
	var denied *allowlist.DeniedError
	if errors.As(list.Check(use), &denied) {
		fmt.Println(denied.Reason)
		fmt.Println(denied.Hint())
	}
	// Output:
	// <nil>
	// domain_not_in_allowlist
	// agentsecrets workspace allowlist add evil.example
}

func ExampleParseRule() {
	_, err := allowlist.ParseRule("*.github.io")
	fmt.Println(err)
	// Output: the rule "*.github.io" reaches below the public suffix github.io, where anybody can have a name
}
