// Package reports tells what records show to those who read it: text and a
// page for people, JUnit XML for pipelines, JSON for programs. Every format is
// a rendering of the same [Report]; none computes a figure of its own.
//
//	report, err := reports.Judge(record.Read(file), nil)
//	if err != nil {
//		return err
//	}
//	err = errors.Join(
//		reports.Text(os.Stdout, report),
//		reports.JUnit(xml, report),
//		reports.HTML(page, report),
//	)
//
// A [Directory] runs experiments, keeps their records, and writes every format
// beside them.
package reports
