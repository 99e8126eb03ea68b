// Package reports renders what is known of records: text and a page for people,
// Markdown for comments, JUnit XML for pipelines, JSON for programs. Every format is a rendering of the
// same [Report]; none computes a figure of its own, and none runs, judges or
// keeps anything: package runs does.
//
//	report, err := runs.Judge(record.Read(file), nil, suites.Evaluators()...)
//	if err != nil {
//		return err
//	}
//	err = errors.Join(
//		reports.Text(os.Stdout, report),
//		reports.JUnit(xml, report),
//		reports.HTML(page, report),
//	)
package reports
