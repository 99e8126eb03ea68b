package load

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// A Secret says where a secret value is: the load reads it when
// it begins, each time anew, and tells only where it is from, in its String,
// the record and errors alike.
type Secret struct {
	// Env is the name of the environment variable that holds the value, File
	// the path of the file that does; one of the two. The line breaks that end
	// it are no part of it.
	Env  string `yaml:"env"`
	File string `yaml:"file"`
}

// String is where the value is.
func (s Secret) String() string {
	if s.Env != "" {
		return "environment variable " + s.Env
	}
	return "file " + s.File
}

func (s Secret) validate() error {
	if (s.Env == "") == (s.File == "") {
		return errors.New("want the name of an environment variable or the path of a file, one of the two")
	}
	return nil
}

// read reads the value, which must be fit for a header.
func (s Secret) read() (string, error) {
	value, there := "", true
	if s.Env != "" {
		value, there = os.LookupEnv(s.Env)
	} else {
		text, err := os.ReadFile(s.File)
		if err != nil {
			return "", err // which names the file
		}
		value = string(text)
	}
	value = strings.TrimRight(value, "\r\n")
	switch {
	case !there:
		return "", fmt.Errorf("%s is not set", s)
	case value == "":
		return "", fmt.Errorf("%s is empty", s)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "", fmt.Errorf("%s holds a line break, or another character that no header may have", s)
	}
	return value, nil
}
