package calibration

// Drain is what is planted in the order in which one worker would carry it out,
// if a trial were disturbed whenever disturbed says so.
func Drain(o Options, disturbed func(Plan) bool) (list []Plan) {
	queue := newQueue(o.withDefaults())
	for {
		p, ok := queue.take()
		if !ok {
			return list
		}
		list = append(list, p)
		if disturbed(p) {
			queue.again(p.Kind)
		}
	}
}
