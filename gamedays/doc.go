// Package gamedays plans and runs game days: experiments that people run and attend
// together, in the order of a plan, with pauses in which a person decides.
//
// A plan says when it begins and what keeps it from beginning:
//
//	day, err := gamedays.Of(plan, "storm")
//	if err != nil {
//		return err
//	}
//	starts, err := day.Starts(time.Now(), 5)
//
// Starts are those of a CronJob of Kubernetes with the same schedule and time zone;
// windows are those of the day and of the file's freeze.
package gamedays
