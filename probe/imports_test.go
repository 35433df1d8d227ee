package probe_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/smtpprobe/smtpprobe"
	root   = ".." // the module's folder, seen from this test's
)

// A room is a folder of this module, or with a trailing "/..." that folder and all below it.
type room struct {
	folder string
	ours   []string // the rooms whose packages its code may import besides its own
	never  []string // the packages, with all below them, that its code must not import
	clock  bool     // whether its code may ask the time, sleep or set a timer
}

// outside are the doors to the world, closed to the rooms that only think. net/netip is not behind them: an
// address is a value.
var outside = []string{"net", "os", "syscall"}

// rooms is the table of who may import whom; a new folder has to be entered here first.
var rooms = []room{
	{folder: "probe/smtp", never: outside},
	{folder: "probe/oracle", ours: []string{"probe/smtp"}, never: outside},
	{folder: "probe", ours: []string{"probe/smtp"}, never: outside},
	{folder: "probe/plan", ours: []string{"probe", "probe/smtp"}, never: outside},
	{folder: "probe/ceiling", never: []string{"net"}, clock: true},
	{folder: "probe/wire", ours: []string{"probe", "probe/smtp", "probe/ceiling"}, clock: true},
	{folder: "probe/run", ours: []string{"probe", "probe/smtp", "probe/wire", "probe/plan"}, clock: true},
	{folder: "probe/resolve", ours: []string{"probe"}, clock: true},
	{folder: "probe/bulk", ours: []string{"probe", "probe/resolve"}},
	{folder: "probe/lab/bench/...", ours: []string{
		"checks", "probe", "probe/smtp", "probe/plan", "probe/wire", "probe/run", "probe/resolve", "probe/lab",
	}, clock: true},
	{folder: "probe/lab/...", ours: []string{"probe/smtp", "probe/oracle"}, clock: true},
	{folder: "checks", ours: []string{"probe", "probe/smtp"}, never: append([]string{"time"}, outside...)},
	{folder: "report/schematest", ours: []string{"report"}, never: outside},
	{folder: "report/...", ours: []string{"probe", "probe/smtp", "probe/oracle"}, clock: true},
	{folder: "cmd/...", ours: []string{
		"checks", "report/...", "probe", "probe/smtp", "probe/oracle", "probe/plan", "probe/wire",
		"probe/run", "probe/resolve", "probe/ceiling", "probe/bulk", "probe/lab/...",
	}, clock: true},
}

// confined names packages, with all below them, that are for some rooms only.
var confined = map[string][]string{
	"net/smtp":                              {}, // enforces the order that must be broken
	"net/textproto":                         {}, // hides the octets
	"github.com/spf13/cobra":                {"cmd/..."},
	"github.com/goccy/go-yaml":              {"cmd/..."},
	"github.com/miekg/dns":                  {"probe/resolve", "probe/lab/...", "probe/lab/bench/..."},
	"github.com/olekukonko/tablewriter":     {"report/..."},
	"github.com/santhosh-tekuri/jsonschema": {"report/schematest"}, // which only tests import
	"github.com/chromedp":                   {},                    // these five are for tests
	"github.com/rogpeppe/go-internal":       {},
	"github.com/yuin/goldmark":              {},
	"go.uber.org/goleak":                    {},
	"pgregory.net/rapid":                    {},
}

// clockFuncs are the functions of package time that ask or await the time; its durations are mere numbers.
var clockFuncs = []string{
	"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until",
}

func TestImportsKeepToTheirRooms(t *testing.T) {
	var seen, tables []string
	for name, file := range goFiles(t) {
		seen = append(seen, name)
		for _, fault := range faults(name, file) {
			t.Errorf("%s: %s", name, fault)
		}
		if !isTest(name) && slices.ContainsFunc(imports(file), tablewriter) {
			tables = append(tables, name)
		}
	}
	if !slices.Contains(seen, "probe/imports_test.go") {
		t.Errorf("read %d files without this one, want the whole module", len(seen))
	}
	if len(tables) > 1 {
		t.Errorf("tablewriter is imported by %v, want one file", tables)
	}
}

// TestImportFaultsAreFound keeps the test above honest: each line breaks one rule, or comes close.
func TestImportFaultsAreFound(t *testing.T) {
	tests := []struct{ name, file, code, want string }{
		{"upwards", "probe/smtp/x.go", `import "` + module + `/probe"`, "must not import probe"},
		{"sideways", "probe/wire/x.go", `import "` + module + `/probe/plan"`, "must not import probe/plan"},
		{"checks from below", "probe/run/x.go", `import "` + module + `/checks"`, "must not import checks"},
		{"report from below", "probe/x.go", `import "` + module + `/report"`, "must not import report"},
		{"lab outside cmd", "report/x.go", `import "` + module + `/probe/lab"`, "must not import probe/lab"},
		{"cmd in a test", "checks/x_test.go", `import "` + module + `/cmd/smtpprobe"`, "must not import cmd/smtpprobe"},
		{"unknown room", "probe/util/x.go", ``, "is in no room of the table"},
		{"net", "checks/x.go", `import "net"`, "must not import net"},
		{"below net", "probe/x.go", `import "net/http"`, "must not import net/http"},
		{"time in a check", "checks/x.go", `import "time"`, "must not import time"},
		{"the standard client", "probe/wire/x.go", `import "net/smtp"`, "must not import net/smtp"},
		{"cobra", "report/x.go", `import "github.com/spf13/cobra"`, "must not import github.com/spf13/cobra"},
		{"dns", "probe/run/x.go", `import "github.com/miekg/dns"`, "must not import github.com/miekg/dns"},
		{"clock", "probe/x.go", `import "time"; var now = time.Now`, "must not use time.Now"},
		{"renamed clock", "probe/x.go", `import t "time"; func f() { t.Sleep(1) }`, "must not use time.Sleep"},
		{"unnamed clock", "probe/x.go", `import . "time"; func f() { Sleep(1) }`, "must not import time into its own names"},
		{"init", "checks/x.go", `func init() {}`, "must not have an init"},
		{"test of a command's own", "cmd/x/x_test.go", `import "` + module + `/cmd/x/manual"`, ""},
		{"legal import", "probe/run/x.go", `import "` + module + `/probe/wire"`, ""},
		{"room below a room", "probe/lab/zone/x.go", `import "` + module + `/probe/oracle"`, ""},
		{"test of anything", "probe/x_test.go", `import "` + module + `/probe/lab"`, ""},
		{"address", "probe/x.go", `import "net/netip"`, ""},
		{"duration", "probe/x.go", `import "time"; const patience = time.Second`, ""},
		{"dns in its room", "probe/lab/zone/x.go", `import "github.com/miekg/dns"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), tt.file, "package x; "+tt.code, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(faults(tt.file, file), "; "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// goFiles parses every Go file of the module, by its slash-separated path from the top.
func goFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := make(map[string]*ast.File)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"
		if entry.IsDir() && hidden && file != root {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// faults says in which ways a file breaks the rules of its room. A test may import anything but a command, and those
// of a command what belongs to it.
func faults(name string, file *ast.File) []string {
	folder := path.Dir(name)
	here := slices.IndexFunc(rooms, func(r room) bool { return r.holds(folder) })
	if here < 0 {
		return []string{"is in no room of the table"}
	}
	var found []string
	for _, pkg := range imports(file) {
		allowed := mayImport(rooms[here], pkg)
		if isTest(name) {
			allowed = !within(pkg, module+"/cmd") || within(folder, "cmd")
		}
		if !allowed {
			found = append(found, "must not import "+strings.TrimPrefix(pkg, module+"/"))
		}
	}
	if !isTest(name) && !rooms[here].clock {
		found = append(found, clockFaults(file)...)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, "must not have an init")
		}
	}
	return found
}

// mayImport says whether the code of a room may import a package.
func mayImport(r room, pkg string) bool {
	for limited, folders := range confined {
		if within(pkg, limited) && !slices.Contains(folders, r.folder) {
			return false
		}
	}
	if folder, ok := strings.CutPrefix(pkg, module+"/"); ok {
		return r.holds(folder) || slices.ContainsFunc(r.ours, func(other string) bool {
			return room{folder: other}.holds(folder)
		})
	}
	return pkg == "net/netip" || !slices.ContainsFunc(r.never, func(never string) bool { return within(pkg, never) })
}

// clockFaults names the uses of the clock in a file.
func clockFaults(file *ast.File) []string {
	var found []string
	name := ""
	for _, spec := range file.Imports {
		if spec.Path.Value == `"time"` {
			name = "time"
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	if name == "." {
		return []string{"must not import time into its own names"}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if use, ok := node.(*ast.SelectorExpr); ok && slices.Contains(clockFuncs, use.Sel.Name) {
			if x, ok := use.X.(*ast.Ident); ok && x.Name == name {
				found = append(found, "must not use time."+use.Sel.Name)
			}
		}
		return true
	})
	return found
}

// holds says whether a folder is in the room.
func (r room) holds(folder string) bool {
	top, below := strings.CutSuffix(r.folder, "/...")
	return folder == top || below && within(folder, top)
}

// within says whether a package is another one or lies below it.
func within(pkg, top string) bool { return pkg == top || strings.HasPrefix(pkg, top+"/") }

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

func tablewriter(pkg string) bool { return within(pkg, "github.com/olekukonko/tablewriter") }

// imports lists the packages that a file imports.
func imports(file *ast.File) []string {
	var pkgs []string
	for _, spec := range file.Imports {
		pkg, _ := strconv.Unquote(spec.Path.Value) // the parser took it for a string already
		pkgs = append(pkgs, pkg)
	}
	return pkgs
}
