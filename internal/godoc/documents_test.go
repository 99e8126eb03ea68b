package godoc_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documents are README.md, those in docs, and those beside them, with their texts.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "lab/*.md", "examples/*.md"} {
		paths, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(text)
		}
	}
	if len(texts) < 5 {
		t.Fatalf("%d documents: this is not the module", len(texts))
	}
	return texts
}

var (
	linked    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code      = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]*`")
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors are the names of a document's headings, as GitHub makes them.
func anchors(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
}

func TestEachLinkOfADocumentLeadsSomewhere(t *testing.T) {
	texts := documents(t)
	for path, text := range texts {
		for _, m := range linked.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to, anchor, _ := strings.Cut(m[1], "#")
			at := path
			if to != "" {
				at = filepath.Join(filepath.Dir(path), filepath.FromSlash(to))
			}
			if _, err := os.Stat(at); err != nil {
				t.Errorf("%s: there is no %s", path, m[1])
			} else if anchor != "" && !slices.Contains(anchors(texts[at]), anchor) {
				t.Errorf("%s: there is no heading %s", path, m[1])
			}
		}
	}
}

// verb is a verb of fmt's, for what differs in a message.
var verb = regexp.MustCompile(`%[-+# 0]*(\[\d+\])?[\d.]*[a-zA-Z]`)

// differs stands in a document for what differs in a message.
const differs = "…"

// message is the text of a literal, or of a sum of them.
func message(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			const percent = "\x00" // no verb begins with it
			return strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(text, "%%", percent), differs), percent, "%")
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return message(e.X) + message(e.Y)
		}
	}
	return differs
}

// messages are the texts in the sources, tests aside, and the golden files.
func messages(t *testing.T) (list []string) {
	t.Helper()
	for _, p := range packages(t, token.NewFileSet()) {
		for _, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				switch e := e.(type) {
				case *ast.BasicLit:
					list = append(list, message(e))
				case *ast.BinaryExpr:
					list = append(list, message(e))
					return e.Op != token.ADD
				}
				return true
			})
		}
	}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".golden" {
			return err
		}
		text, err := os.ReadFile(path)
		list = append(list, strings.Split(string(text), "\n")...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// says reports whether a text has the fixed parts of a message, in their order.
func says(text, message string) bool {
	for part := range strings.SplitSeq(message, differs) {
		_, rest, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = rest
	}
	return true
}

// troubled is an entry of docs/troubleshooting.md: its messages.
var troubled = regexp.MustCompile("(?m)^- (`.*`)\\\\$")

func TestEachMessageOfTheDocumentsIsPrinted(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := messages(t)
	entries := troubled.FindAllStringSubmatch(string(text), -1)
	if len(entries) < 25 {
		t.Errorf("%d messages, want at least 25", len(entries))
	}
	for _, entry := range entries {
		for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(entry[1], -1) {
			if !slices.ContainsFunc(all, func(text string) bool { return says(text, m[1]) }) {
				t.Errorf("nothing says %q", m[1])
			}
		}
	}
}

var (
	goBlock     = regexp.MustCompile("(?ms)^```go\n(.*?)^```")
	indentation = regexp.MustCompile(`(?m)^[ \t]+`)
)

// The Go of the documents is that of Examples, or of the module in examples, which
// compile and run.
func TestTheGoOfTheDocumentsIsThatOfExamples(t *testing.T) {
	var sources []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") || !strings.Contains(path, "example") {
			return err
		}
		if _, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution); err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		sources = append(sources, indentation.ReplaceAllString(string(text), ""))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range documents(t) {
		for _, m := range goBlock.FindAllStringSubmatch(text, -1) {
			block := indentation.ReplaceAllString(m[1], "")
			if !slices.ContainsFunc(sources, func(s string) bool { return strings.Contains(s, block) }) {
				t.Errorf("%s: no example has\n%s", path, m[1])
			}
		}
	}
}
