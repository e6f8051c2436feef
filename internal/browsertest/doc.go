// Package browsertest taps through the practice gateway's payer page in a real browser
// the size of a phone, in English and Arabic, with JavaScript switched off.
//
// The test has the build tag "browser", because it needs Chromium and a font with Arabic
// letters; "make test" installs these and runs it. Pictures of every page are kept in the
// folder named by -keep.
package browsertest
