package image

import (
	"debug/elf"
	"fmt"
)

// CheckBinary says what is wrong with a program as the only file of an image: it must need no other.
func CheckBinary(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("read program %s: %w: want a Linux program", path, err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("program %s is linked to libraries, of which the image has none: build it with CGO_ENABLED=0", path)
		}
	}
	return nil
}
