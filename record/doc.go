// Package record is the one history of a run: everything that was seen, in the
// order in which it was known, and nothing that was concluded. Whatever is said
// of a run, today or next year, is said from its record alone.
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
// A record whose last line is not whole was cut, and is readable up to there.
// Any other damage is an error with its line, as is whatever has no place in
// the record of one run, and any field that this version does not know.
package record
