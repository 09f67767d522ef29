package keychain

import (
	"encoding/json"
	"errors"
	"io"
	"os"
)

var errNotForYou = errors.New("this command is for agentsecrets itself, there is nothing to use it for")

// ServeHelper does what a Store asks in another process: one question from in, its answer to out. mayRead is asked
// before a value is given out, and told the process that wants it; nil lets all. ServeHelper also returns when in ends
// before the answer is there, for then nobody waits; the keychain may still be busy with the question, so the process
// that calls ServeHelper has to end when it returns. It should have been hidden from other processes first: it will
// hold a value.
func ServeHelper(in *os.File, out io.Writer, mayRead func(asker int) error) error {
	if err := checkAsker(in); err != nil {
		return err
	}
	return answerOne(in, out, func() error {
		if mayRead == nil {
			return nil
		}
		return mayRead(os.Getppid())
	})
}

func answerOne(in io.Reader, out io.Writer, mayRead func() error) error {
	var r request
	if err := json.NewDecoder(io.LimitReader(in, maxMessage)).Decode(&r); err != nil {
		return errNotForYou
	}
	if r.Do == doGet {
		if err := mayRead(); err != nil {
			return json.NewEncoder(out).Encode(answer{Outcome: refused})
		}
	}
	answered := make(chan answer, 1)
	go serve(r, answered)
	ended := make(chan struct{})
	go drain(in, ended)
	select {
	case a := <-answered:
		return json.NewEncoder(out).Encode(a)
	case <-ended:
		return errors.New("whoever asked does not wait for the answer any more")
	}
}

func drain(in io.Reader, ended chan<- struct{}) {
	_, _ = io.Copy(io.Discard, in)
	close(ended)
}

func serve(r request, answered chan<- answer) {
	var a answer
	err := reachable()
	if err == nil {
		a.Secret, err = perform(r)
	}
	a.Outcome, a.Detail = classify(err)
	answered <- a
}

func perform(r request) (secret string, err error) {
	e := entry(r.Account)
	switch r.Do {
	case doGet:
		return e.get()
	case doSet:
		return "", e.set(r.Secret)
	case doDelete:
		return "", e.delete()
	case doProbe:
		return "", probe()
	case doReady:
		return "", ready()
	case doLook:
		return look()
	}
	return "", plainError("another agentsecrets has been installed meanwhile; start this one again")
}
