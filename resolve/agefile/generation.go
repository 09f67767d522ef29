package agefile

import (
	"fmt"
	"os"
)

// Generation is made from what stat says of the two files: every change puts a new one in its place. Where there is a
// passphrase, locking and unlocking count as changes too, so that no cache outlives a lock.
func (s *Store) Generation() string {
	now := stamps{stampOf(s.path(vaultName)), stampOf(s.path(identityName))}
	known := s.known.Load()
	if known == nil || known.stamps != now {
		known = s.generationAt(now)
	}
	if known.id == "" {
		return known.text
	}
	return known.text + "/" + s.keys.Generation(known.id)
}

// generation spares reading identity.txt for every use of a cache.
type generation struct {
	stamps
	text string
	id   string // of the identity; "" where there is no passphrase, and so nothing to unlock
}

func (s *Store) generationAt(now stamps) *generation {
	g := &generation{stamps: now, text: fmt.Sprint(now)}
	text, err := s.identityFile()
	if err != nil {
		return g // and the next who asks looks again
	}
	if isWrapped(text) {
		g.id = idOf(text)
	}
	s.known.Store(g)
	return g
}

// stamps tell one state of the two files from all others.
type stamps struct{ vault, identity stamp }

// stamp is the zero stamp where there is no file.
type stamp struct {
	inode    uint64
	modified int64
	size     int64
}

func stampOf(path string) stamp {
	info, err := os.Lstat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{inode(info), info.ModTime().UnixNano(), info.Size()}
}
