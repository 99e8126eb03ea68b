// Package godoc_test keeps what the module's comments say of its code true, as
// far as a machine can tell.
package godoc_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/aftershockhq/aftershock"
)

// A parsed package is one of the module's, without its tests.
type parsed struct {
	*doc.Package
	files []*ast.File
}

// packages are those of the module, by import path.
func packages(t *testing.T, fset *token.FileSet) map[string]parsed {
	t.Helper()
	files := map[string][]*ast.File{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			other, _ := filepath.Glob(filepath.Join(name, "go.mod"))
			if name != root && (len(other) > 0 || strings.HasPrefix(d.Name(), ".")) {
				return fs.SkipDir // of another module
			}
			return err
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		at := path.Join(module, filepath.ToSlash(dir))
		files[at] = append(files[at], file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]parsed{}
	for at, list := range files {
		p, err := doc.NewFromFiles(fset, list, at, doc.AllDecls|doc.PreserveAST)
		if err != nil {
			t.Fatal(err)
		}
		all[at] = parsed{p, list}
	}
	return all
}

// called is a name of a package in an example.
var called = regexp.MustCompile(`\b([a-z]\w*)\.([A-Z]\w*)`)

// missing are the names in the code of a comment that no package of the module
// has. Methods of values that are called like a package are not told from them.
func missing(text string, byName map[string]parsed) (list []string) {
	for _, m := range called.FindAllStringSubmatch(text, -1) {
		if of, ours := byName[m[1]]; ours && !of.Parser().LookupSym("", m[2]) {
			list = append(list, m[0])
		}
	}
	return list
}

// bracketed is what was meant as a link to Go code, and stays text if there is
// nothing of that name.
var bracketed = regexp.MustCompile(`\[\*?(\w+\.)?[A-Z]\w*(\.\w+)?\]`)

// dangling are the links of a comment that lead nowhere, and the names in its
// examples that nothing has.
func dangling(text string, p *doc.Package, all, byName map[string]parsed) (list []string) {
	look := func(texts []comment.Text) {
		for _, t := range texts {
			switch t := t.(type) {
			case comment.Plain:
				list = append(list, bracketed.FindAllString(string(t), -1)...)
			case *comment.DocLink:
				if to, ours := all[t.ImportPath]; ours && t.Name != "" && !to.Parser().LookupSym(t.Recv, t.Name) {
					list = append(list, "["+path.Base(t.ImportPath)+"."+strings.TrimPrefix(t.Recv+"."+t.Name, ".")+"]")
				}
			}
		}
	}
	var blocks func([]comment.Block)
	blocks = func(content []comment.Block) {
		for _, b := range content {
			switch b := b.(type) {
			case *comment.Paragraph:
				look(b.Text)
			case *comment.Heading:
				look(b.Text)
			case *comment.Code:
				list = append(list, missing(b.Text, byName)...)
			case *comment.List:
				for _, item := range b.Items {
					blocks(item.Content)
				}
			}
		}
	}
	blocks(p.Parser().Parse(text).Content)
	return list
}

func TestEachNameInACommentIsThere(t *testing.T) {
	fset := token.NewFileSet()
	all := packages(t, fset)
	if len(all) < 20 {
		t.Fatalf("%d packages: this is not the module", len(all))
	}
	byName := map[string]parsed{}
	for _, p := range all {
		byName[p.Name] = p
	}
	for _, p := range all {
		for _, f := range p.files {
			for _, c := range f.Comments {
				for _, link := range dangling(c.Text(), p.Package, all, byName) {
					t.Errorf("%s: %s leads nowhere", fset.Position(c.Pos()), link)
				}
			}
		}
	}
}
