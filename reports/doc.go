// Package reports renders results for those who read them: text for people,
// JUnit XML for pipelines, JSON for programs. Every format shows the same
// result; none computes a figure of its own.
//
//	result, err := experiments.Judge(experiments.Read(record), nil)
//	...
//	err = reports.Text(os.Stdout, result)
//	err = reports.JUnit(file, result)
package reports
