// Package setup keeps what ties a till to one merchant: the settings on disk
// and the merchant's private key.
//
// [Connect] reads a settings file that a person wrote, checks everything in
// it, puts the private key and the relay token into the operating system's
// keyring (or, where there is none, into an age file under a passphrase) and
// writes the rest, without any secret, into the data directory. [Load] gives
// it back to a starting till. [Redact] and [OpenLog] are the only way to the
// log.
//
// Nothing here is shared between goroutines except the log; every function may
// be called from any goroutine. Errors are [*Error], one line each, and never
// hold any part of a key, a token or a passphrase.
package setup
