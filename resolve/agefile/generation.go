package agefile

import (
	"os"
	"strconv"
)

// Generation is made from what stat says of the two files: every change puts a new one in its place. Where there is a
// passphrase, locking and unlocking count as changes too, so that no cache outlives a lock.
func (s *Store) Generation() string {
	identity := stamp(s.path(identityName))
	return stamp(s.path(vaultName)) + "/" + identity + "/" + s.keys.Generation(s.idAt(identity))
}

func stamp(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "none"
	}
	return inode(info) + "-" + strconv.FormatInt(info.ModTime().UnixNano(), 10) + "-" + strconv.FormatInt(info.Size(), 10)
}

// stampedID spares reading identity.txt for every use of a cache.
type stampedID struct{ stamp, id string }

func (s *Store) idAt(stamp string) string {
	if known := s.lastID.Load(); known != nil && known.stamp == stamp {
		return known.id
	}
	text, err := s.identityFile()
	if err != nil {
		return ""
	}
	s.lastID.Store(&stampedID{stamp, idOf(text)})
	return idOf(text)
}
