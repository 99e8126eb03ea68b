// Package gamedays plans and runs game days: experiments that a team runs and attends
// together, in the order of a plan, with pauses in which a person decides.
//
// A day's plan says when it begins and what prevents a start:
//
//	day, err := gamedays.Of(plan, "storm")
//	if err != nil {
//		return err
//	}
//	starts, err := day.Starts(time.Now(), 5)
//
// The starts are those of a Kubernetes CronJob with the same schedule and time zone. The
// windows are those of the day and of the file's freeze. A [Run] carries the day out and
// appends what happens to a [Log]; a [Page] reports it.
package gamedays
