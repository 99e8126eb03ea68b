package local

// Born is a process that had the number and was born then.
func Born(pid int, born string) Process { return found{pid: pid, born: born} }
