package secret

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// A Secret references a secret value, which is never shown: its String, the record and
// errors show only its place.
type Secret struct {
	// Env is the name of the environment variable with the value; set it or File.
	// Example: TOKEN.
	Env string `yaml:"env"`
	// File is the path of the file with the value; trailing line breaks are not part
	// of it. Example: token.
	File string `yaml:"file"`
}

// String is the place of the value.
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

// Read reads the value, which must be valid in a header.
func (s Secret) Read() (string, error) {
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
	case !sendable(value):
		return "", fmt.Errorf("%s holds a line break, or another character that no header may have", s)
	}
	return value, nil
}
