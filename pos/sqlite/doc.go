// Package sqlite keeps the till's journal in one SQLite file: every fact in
// order, each chained to the one before, and the tables that screens read,
// derived from those facts in the same transaction.
//
// [Open] gives the one writer of a file and any number of readers; [Verify],
// [CheckDerived] and [Export] work on the file alone, also while a till has
// it open in another process. Within one process a file has one [Journal] and
// is opened in no other way: SQLite's locks belong to the process and end with
// whatever closes the file.
//
// What no fact has to wait for is done between the commits by one goroutine of
// the writer, which [Journal.Close] ends: sales that have come to their end are
// entered into the indexes of the search, and the write-ahead log is moved into
// the file. A search finds sales either way.
//
// Beside the file PATH lie PATH-wal and PATH-shm (SQLite's own), PATH.lock
// (held by the writer, released by the system when it dies) and PATH.reserve
// (blocks to give up when the disk is full).
package sqlite
