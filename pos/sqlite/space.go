package sqlite

// FreeSpace is how many bytes this user may still write where dir lies; ok is
// false when nobody can tell.
func FreeSpace(dir string) (bytes uint64, ok bool) { return freeSpace(dir) }
