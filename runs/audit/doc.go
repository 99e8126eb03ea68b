// Package audit chains the records of a directory by hash, so that what was
// changed, removed or put in afterwards can be told.
//
//	chain := audit.Chain{Dir: "runs"}
//	file, err := audit.Create("runs/2026/kill.jsonl")
//	rec := record.NewRecorder(file)
//	err = chain.Begin(file, rec.Run())  // before anything is touched
//	head, err := chain.Finish(file, rec.Run())
//	...
//	found, err := audit.Verify("runs", "")
//
// The chain is the file audit.jsonl in the directory, and covers the records in
// all directories below it. Each of its lines is a [Line], with its number and the
// SHA-256 of the line before it; the line of a finished record has the SHA-256 of
// that too. Lines are only ever appended, under a lock (flock), so that several
// runs may share a directory.
//
// A log, a file to which lines are only appended, as that of a game day, is chained
// before its first line and after each, by [Chain.Extend]: its end cannot be cut
// without that of the chain.
//
// What the chain cannot show by itself is that its own end was cut off together
// with the records there, or that all of it was written anew: who may write the
// directory may do that. [Verify] returns the hash of the last line, the head. One
// who keeps it elsewhere, in the log of a pipeline or a ticket, sees that too.
//
// The record of a run that was killed has a line that it began and none that it
// finished. That is no tampering. The next run in the directory chains the record
// as it finds it. The reports beside the records are not chained: they can be made
// again from the records.
package audit
