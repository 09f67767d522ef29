package redact_test

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/agentsecrets/agentsecrets/redact"
	"github.com/agentsecrets/agentsecrets/resolve"
)

func Example() {
	released := redact.NewSet()
	released.Add(resolve.New([]byte("sk_live_4eC39HqLyjWDarjtT1zdp7dc")))

	// An origin that shows what it was sent.
	echo := strings.NewReader(`{"authorization": "Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc"}` + "\n")
	body := redact.NewReader(echo, released)
	io.Copy(os.Stdout, body)
	fmt.Println(body.Counts())
	// Output:
	// {"authorization": "Bearer [REDACTED_BY_AGENTSECRETS]******"}
	// map[verbatim:1]
}
