// Package results has the Go types of the JSON results that a run writes to
// results.json and "aftershock report --output json" prints. It imports only the
// standard library, so that any program can read results with it:
//
//	document, err := results.Read(file)
//	if err != nil {
//		return err
//	}
//	for _, r := range document.Results {
//		fmt.Println(r.Verdict, r.Experiment, r.Reason)
//	}
//
// Version 1 is frozen: later documents may have more fields, and more values where the
// description of a field says so or the schema has no enum, but no field changes its name,
// unit or meaning, and none is removed. "aftershock report --schema" prints the schema.
//
// Each quantity has one unit, which is in its name: Seconds, PerSecond, Share (0 to 1).
// Where the unit depends on a check or a limit, a field unit names it. Instants are
// seconds since the run's start. A quantity known between bounds has low and high, or
// from and to; a missing bound is absent, and so is what was not observed. Lists are
// never null.
package results
