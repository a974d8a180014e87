package publish

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTransitionsAreMethods checks that this package changes stored fields of a publication only by
// methods of package issue, which explain its states.
func TestTransitionsAreMethods(t *testing.T) {
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
	check := types.Config{
		Importer: contractImporter{importer.ForCompiler(fset, "source", nil)},
		Error:    func(error) {}, // about what is not imported
	}
	pkg, _ := check.Check("github.com/postburn/postburn/issue/publish", fset, files, info)
	owned := map[types.Object]bool{} // the fields that are stored
	for _, imported := range pkg.Imports() {
		for _, name := range []string{"Publication", "Part", "Labels", "Delivery", "Write"} {
			if of := imported.Scope().Lookup(name); of != nil && strings.HasSuffix(imported.Path(), "/issue") {
				for field := range of.Type().Underlying().(*types.Struct).Fields() {
					owned[field] = true
				}
			}
		}
	}
	seen := 0
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			var changed []ast.Expr
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if s := info.Selections[n]; s != nil && owned[s.Obj()] {
					seen++
				}
			case *ast.AssignStmt:
				changed = n.Lhs
			case *ast.IncDecStmt:
				changed = []ast.Expr{n.X}
			}
			for _, e := range changed {
				if slices.ContainsFunc(path(e), func(s *ast.SelectorExpr) bool {
					return info.Selections[s] != nil && owned[info.Selections[s].Obj()]
				}) {
					t.Errorf("%s: a field of what is stored is changed here", fset.Position(e.Pos()))
				}
			}
			return true
		})
	}
	if len(owned) == 0 || seen == 0 {
		t.Errorf("%d fields are stored, and %d times they are read", len(owned), seen)
	}
}

// contractImporter imports package issue and its own dependencies only, to be quick.
type contractImporter struct{ types.Importer }

func (c contractImporter) Import(path string) (*types.Package, error) {
	if strings.HasPrefix(path, "github.com/postburn/postburn/") {
		return c.Importer.Import(path)
	}
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

// path returns the selectors in an expression: for a.b[i].c, those of c and b.
func path(e ast.Expr) (all []*ast.SelectorExpr) {
	for {
		switch x := e.(type) {
		case *ast.SelectorExpr:
			all = append(all, x)
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return all
		}
	}
}
