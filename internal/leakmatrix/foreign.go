package main

import (
	"cmp"
	"errors"
)

// foreignOptions are how another proxy is used, from the environment.
type foreignOptions struct {
	proxy       string // PROXY: its URL; "" for ours
	ca          string // CA: the file with the root that it signs with
	placeholder string // PLACEHOLDER: what clients send, behind "Authorization: Bearer "
	value       string // VALUE: what it puts in there
	host        string // ORIGIN: the host name that it reaches the origin by
}

func foreignFrom(getenv func(string) string) foreignOptions {
	return foreignOptions{
		proxy: getenv("PROXY"), ca: getenv("CA"), placeholder: getenv("PLACEHOLDER"), value: getenv("VALUE"),
		host: cmp.Or(getenv("ORIGIN"), "localhost"),
	}
}

func (f foreignOptions) check() error {
	switch {
	case f.proxy == "" && f.ca+f.placeholder+f.value == "":
		return nil
	case f.proxy == "", f.ca == "", f.placeholder == "", f.value == "":
		return errors.New("another proxy needs PROXY, CA, PLACEHOLDER and VALUE, all of them")
	case len(f.value) < 16:
		return errors.New("VALUE needs 16 bytes or more: parts of a shorter one are met by chance")
	}
	return nil
}
