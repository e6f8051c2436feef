package fils

// guestProcess has no meaning here: the owner of a directory may always write.
func guestProcess(string, string) int { return 1 }
