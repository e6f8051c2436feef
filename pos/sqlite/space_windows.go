package sqlite

import "golang.org/x/sys/windows"

// freeSpace is what this user may still write where dir lies; ok is false when
// nobody can say.
func freeSpace(dir string) (bytes uint64, ok bool) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	err = windows.GetDiskFreeSpaceEx(name, &bytes, nil, nil)
	return bytes, err == nil
}
