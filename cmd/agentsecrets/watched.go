package main

import (
	"io/fs"
	"os"
	"sync"
)

// watched is what a file says at the moment. It is read when it has changed:
// our files are only ever replaced whole, so another content is another file.
type watched[T any] struct {
	path string
	load func(path string) (T, error)

	mu    sync.Mutex
	stamp fs.FileInfo // of the file that value is from; nil before the first success
	value T
}

func (w *watched[T]) get() (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	info, err := os.Stat(w.path)
	if err == nil && w.stamp != nil && sameContent(w.stamp, info) {
		return w.value, nil
	}
	v, err := w.load(w.path) // what a missing file means is for load to say
	if err != nil {
		return v, err
	}
	// The stamp is older than the content: at worst it is read once more.
	w.stamp, w.value = info, v
	return v, nil
}

func sameContent(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
