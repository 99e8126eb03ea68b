// Package godoc_test keeps what the module's comments say of its code true, as
// far as a machine can tell.
package godoc_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
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

// misused are the calls and the struct literals in the code of a comment that would not
// compile by the number of their arguments or results, or by the names of their fields.
// Code that is no Go, as with an ellipsis, is left alone.
func misused(text string, byName map[string]parsed) (list []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+strings.ReplaceAll(text, ", ...}", "}")+"\n}", 0)
	if err != nil {
		return nil
	}
	named := func(e ast.Expr) (string, ast.Node) {
		if s, ok := e.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				return x.Name + "." + s.Sel.Name, byName[x.Name].declared(s.Sel.Name)
			}
		}
		return "", nil
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name, of := named(n.Fun)
			f, ok := of.(*ast.FuncType)
			if !ok {
				break
			}
			want, got := f.Params.NumFields(), len(n.Args)
			if last := len(f.Params.List) - 1; last >= 0 && !n.Ellipsis.IsValid() {
				if _, variadic := f.Params.List[last].Type.(*ast.Ellipsis); variadic && got >= want-1 {
					break
				}
			}
			if got != want {
				list = append(list, fmt.Sprintf("%s of %d arguments, which takes %d", name, got, want))
			}
		case *ast.AssignStmt:
			if call, ok := n.Rhs[0].(*ast.CallExpr); ok && len(n.Rhs) == 1 {
				name, of := named(call.Fun)
				if f, ok := of.(*ast.FuncType); ok && f.Results.NumFields() != len(n.Lhs) {
					list = append(list, fmt.Sprintf("%s for %d results, which has %d", name, len(n.Lhs), f.Results.NumFields()))
				}
			}
		case *ast.CompositeLit:
			name, of := named(n.Type)
			s, ok := of.(*ast.StructType)
			if !ok {
				break
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && !hasField(s, kv.Key.(*ast.Ident).Name) {
					list = append(list, fmt.Sprintf("%s with the field %s, which it lacks", name, kv.Key))
				}
			}
		}
		return true
	})
	return list
}

// declared is the type of a function of the package, or that which a name is declared as.
func (p parsed) declared(name string) (of ast.Node) {
	for _, f := range p.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == name {
					return d.Type
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok && s.Name.Name == name {
						return s.Type
					}
				}
			}
		}
	}
	return nil
}

func hasField(s *ast.StructType, name string) bool {
	return slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
		if f.Names == nil {
			of := f.Type
			if star, ok := of.(*ast.StarExpr); ok {
				of = star.X
			}
			if of, ok := of.(*ast.SelectorExpr); ok {
				return of.Sel.Name == name
			}
			id, ok := of.(*ast.Ident)
			return ok && id.Name == name
		}
		return slices.ContainsFunc(f.Names, func(n *ast.Ident) bool { return n.Name == name })
	})
}

// bracketed is what was meant as a link to Go code, and stays text if there is
// nothing of that name.
var bracketed = regexp.MustCompile(`\[\*?(\w+\.)?[A-Z]\w*(\.\w+)?\]`)

// dangling are the links of a comment that lead nowhere, and the names in its
// examples that nothing has, or that are not used as they are declared.
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
				list = append(append(list, missing(b.Text, byName)...), misused(b.Text, byName)...)
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
					t.Errorf("%s: %s: there is no such thing", fset.Position(c.Pos()), link)
				}
			}
		}
	}
}

func TestWhatWouldNotCompileInACommentIsFound(t *testing.T) {
	byName := map[string]parsed{}
	for _, p := range packages(t, token.NewFileSet()) {
		byName[p.Name] = p
	}
	for _, row := range []struct{ sentence, code, want string }{
		{"a call as it is declared", "diff, err := compare.NewDiff(before, after, compare.Options{SamePlan: true})", ""},
		{"an argument is missing", "diff, err := compare.NewDiff(before, after)", "compare.NewDiff of 2 arguments, which takes 3"},
		{"a result is not taken", "diff := compare.NewDiff(before, after, compare.Options{})", "compare.NewDiff for 1 results, which has 2"},
		{"none of many is an argument, too", "worst := steadystate.Worst()", ""},
		{"a field that there is not", "l := &lock.Lock{Client: c, Wrkload: w}", "lock.Lock with the field Wrkload, which it lacks"},
		{"an embedded one", "j := workers.Job{Pods: workers.Pods{Count: 4}, ...}", ""},
		{"what is no Go", "fault → lag → decision", ""},
	} {
		if got := strings.Join(misused(row.code, byName), "; "); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
