// Package results is the JSON of results, as a run writes it to results.json and
// "aftershock report --output json" prints it. It imports nothing, so that any
// program can read results with it:
//
//	document, err := results.Read(file)
//	if err != nil {
//		return err
//	}
//	for _, r := range document.Results {
//		fmt.Println(r.Verdict, r.Experiment, r.Reason)
//	}
//
// Version 1 is frozen: later documents of it may have further fields, and further
// values where the schema does not list them, but no field changes its name, its
// unit or its meaning, and none goes. The schema is that of "aftershock report
// --schema".
//
// Each quantity has one unit, which is in the name: Seconds, PerSecond, Share (of
// one). Where a quantity depends on a check or a limit, a field unit says it.
// Instants are seconds since the run's start. What is known between bounds is low
// and high, or from and to; an end that is not bounded is absent, and so is what
// was not observed. Lists are never null.
package results
