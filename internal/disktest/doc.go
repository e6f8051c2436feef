// Package disktest lets the disk under a till run full. Its tests run the real
// engine over a real journal on a disk of 2 MiB and look whether trading stops
// before money moves, and comes back. It has no code outside of its tests.
package disktest
