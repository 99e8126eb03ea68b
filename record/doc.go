// Package record is the history of a run: everything observed, in the
// order in which it became known, and no conclusions. Every statement about
// a run, today or next year, rests on its record alone.
//
// A [Recorder] writes it as things happen, so that a run that is killed keeps
// its evidence; [Read] reads it back.
//
//	rec := record.NewRecorder(file)
//	rec.Observe("replicas", steadystate.Observation{Span: span, Value: 3})
//	rec.Note("the dashboard was red at %s", rec.Clock().Now())
//
//	for entry, err := range record.Read(file) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(entry.At, entry.Note)
//	}
//
// A record is JSON Lines, an [Entry] each; requests are packed in blocks. Times
// are nanoseconds since its start. Each line ends with a checksum, CRC-32C in
// hexadecimal of the line up to there and of all lines before it:
//
//	{"at":12000000,"phase":"settle","sum":"90f3cfdb"}
//
// A record with an incomplete last line was truncated, and is readable up to there.
// Any other damage is an error with its line, and so are an entry that is invalid
// in the record of one run, and a field that this version does not know.
package record
