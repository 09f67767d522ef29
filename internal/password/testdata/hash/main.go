// Command hash is a program that is no test, and makes a verifier.
package main

import (
	"fmt"

	"github.com/agentsecrets/agentsecrets/internal/password"
)

func main() {
	encoded, err := password.Hash([]byte("correct horse"))
	fmt.Println(encoded, err)
}
