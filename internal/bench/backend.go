package bench

import "time"

// A backend is one process as the balancer sees it, guarded by the balancer's
// lock.
type backend struct {
	address              string
	rotation             []Turn
	connections, refused int
}

// rotate puts the backend into the rotation or takes it out.
func (d *backend) rotate(in bool) {
	now := time.Now()
	switch {
	case in == d.rotating():
	case in:
		d.rotation = append(d.rotation, Turn{In: now})
	default:
		d.rotation[len(d.rotation)-1].Out = now
	}
}

func (d *backend) rotating() bool {
	return len(d.rotation) > 0 && d.rotation[len(d.rotation)-1].Out.IsZero()
}
