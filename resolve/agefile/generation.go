package agefile

import (
	"os"
	"strconv"
)

// Generation is made from what stat says of vault.age: every change puts a new file in its place.
func (s *Store) Generation() string {
	info, err := os.Lstat(s.path(vaultName))
	if err != nil {
		return "none"
	}
	return inode(info) + "-" + strconv.FormatInt(info.ModTime().UnixNano(), 10) + "-" + strconv.FormatInt(info.Size(), 10)
}
