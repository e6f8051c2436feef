//go:build linux || darwin || freebsd

package sqlite

import "syscall"

// freeSpace is what this user may still write where dir lies; ok is false when
// nobody can say.
func freeSpace(dir string) (bytes uint64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
