package lang

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core/command"
)

// found is where a sentence stands.
type found map[string]string

func (f found) add(sentence, where string) { f[sentence] = where }

// wordless reports whether a sentence only puts its arguments together: a language may leave that as it is.
func wordless(sentence string) bool {
	return !letters.MatchString(verbs.ReplaceAllString(sentence, ""))
}

// collect reads the source and returns all sentences, those with several forms, and what is wrong.
func collect(t *testing.T) (all, counted found, wrong []string) {
	t.Helper()
	all, counted = found{}, found{}
	root := filepath.Join("..", "..")
	for _, dir := range speaking {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
			switch {
			case d.IsDir() && (slices.Contains(silent, name) || d.Name() == "testdata"):
				return filepath.SkipDir
			case d.IsDir() || slices.Contains(operators, d.Name()) || strings.HasSuffix(name, "_test.go"):
				return nil
			case strings.HasSuffix(name, ".json") && (strings.HasPrefix(name, "adapters/provider") || strings.HasPrefix(name, "core/prompt")):
				return collectFacts(path, name, all)
			case strings.HasSuffix(name, ".html"):
				return collectPage(path, name, all)
			case strings.HasSuffix(name, ".go"):
				more, err := collectFile(path, name, all, counted)
				wrong = append(wrong, more...)
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
		"January", "February", "March", "April", "June", "July", "August", "September", "October", "November", "December"} {
		all[w] = "dates"
	}
	return all, counted, wrong
}

// literal returns a constant string, also one of several parts.
func literal(e ast.Expr) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			s, err := strconv.Unquote(x.Value)
			return s, err == nil
		}
	case *ast.ParenExpr:
		return literal(x.X)
	case *ast.BinaryExpr:
		a, ok := literal(x.X)
		b, too := literal(x.Y)
		return a + b, ok && too && x.Op == token.ADD
	}
	return "", false
}

// partly reports whether an expression puts words of its own together with others.
func partly(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.BinaryExpr:
		return x.Op == token.ADD && (hasWords(x.X) || hasWords(x.Y) || partly(x.X) || partly(x.Y))
	case *ast.CallExpr:
		if sel, ok := x.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sprintf" {
			return hasWords(x.Args[0])
		}
		if id, ok := x.Fun.(*ast.Ident); ok && (id.Name == "clip" || id.Name == "title") && len(x.Args) > 0 {
			return partly(x.Args[0])
		}
	}
	return false
}

var (
	verbs   = regexp.MustCompile(`%(\[\d+\])?[+#]?[0-9.]*[a-zA-Z%]`)
	word    = regexp.MustCompile(`[A-Za-z]{2,}`)
	letters = regexp.MustCompile(`[A-Za-z]`)
)

func hasWords(e ast.Expr) bool {
	s, ok := literal(e)
	return ok && word.MatchString(verbs.ReplaceAllString(s, ""))
}

func source(e ast.Expr, src []byte, f *token.File) string {
	return string(src[f.Offset(e.Pos()):f.Offset(e.End())])
}

func collectFile(path, name string, all, counted found) (wrong []string, err error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, 0)
	if err != nil {
		return nil, err
	}
	at := func(n ast.Node) string { return fmt.Sprintf("%s:%d", name, set.Position(n.Pos()).Line) }
	provider := strings.HasPrefix(name, "adapters/provider")
	people := strings.HasPrefix(name, "core/studio") || strings.HasPrefix(name, "core/relay") || name == "cmd/atelier/internal/app/vanished.go"
	bad := func(n ast.Node, format string, args ...any) {
		wrong = append(wrong, at(n)+": "+fmt.Sprintf(format, args...))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.GenDecl:
			if x.Tok == token.CONST {
				collectWords(x, name, all)
			}
		case *ast.CallExpr:
			fn := ""
			switch f := x.Fun.(type) {
			case *ast.Ident:
				fn = f.Name
			case *ast.SelectorExpr:
				fn = f.Sel.Name
				if id, ok := f.X.(*ast.Ident); ok && (id.Name == "t" && fn == "Errorf" || id.Name == "fmt" || id.Name == "ops" || id.Name == "http") {
					return true
				}
			}
			args, ok := spoken[fn]
			if (fn == "Errorf" || fn == "WithNext") && ours(x) {
				return false
			}
			if ok && (fn == "version" || fn == "provider" || fn == "language" || fn == "timezone" || fn == "tail") && !strings.HasPrefix(name, "core/command/rows") {
				ok = false
			}
			if ok && len(x.Args) > args[len(args)-1] {
				for _, i := range args {
					s, constant := literal(x.Args[i])
					if !constant {
						expr := source(x.Args[i], src, set.File(x.Pos()))
						if _, may := allowed[name+" "+fn+" "+expr]; !may && !(fn == "tail" || fn == "version") {
							bad(x, "%s is called with %s, which is no constant sentence (%q)", fn, expr, name+" "+fn+" "+expr)
						}
						continue
					}
					if strings.HasPrefix(fn, "N") || fn == "SayN" {
						if i == args[1] {
							all.add(s, at(x))
							counted.add(s, at(x))
						}
						continue
					}
					all.add(s, at(x))
				}
			}
			if people && slices.Contains(plain, fn) && len(x.Args) == 1 && (hasWords(x.Args[0]) || partly(x.Args[0])) {
				bad(x, "%s shows words that nobody can translate", fn)
			}
		case *ast.KeyValueExpr:
			key, ok := x.Key.(*ast.Ident)
			if !ok {
				break
			}
			s, constant := literal(x.Value)
			switch {
			case constant && (key.Name == "Help" || key.Name == "Menu"):
				all.add(s, at(x))
			case constant && (key.Name == "Where" || provider && (key.Name == "Scope" || key.Name == "Plan" || key.Name == "Balance")):
				all.add(s, at(x))
			case key.Name == "Missing" || key.Name == "Next" && provider:
				if list, ok := x.Value.(*ast.CompositeLit); ok {
					for _, e := range list.Elts {
						if s, ok := literal(e); ok {
							all.add(s, at(e))
						}
					}
				}
			case people && slices.Contains(shown, key.Name) && (constant && word.MatchString(verbs.ReplaceAllString(s, "")) || partly(x.Value)):
				if _, may := allowed[name+" "+key.Name+" "+s]; !may {
					bad(x, "%s shows words that nobody can translate (%q)", key.Name, name+" "+key.Name+" "+s)
				}
			}
		case *ast.AssignStmt:
			for i, l := range x.Lhs {
				sel, ok := l.(*ast.SelectorExpr)
				if !ok || i >= len(x.Rhs) {
					continue
				}
				s, constant := literal(x.Rhs[i])
				switch {
				case constant && (sel.Sel.Name == "Skip" || provider && (sel.Sel.Name == "Scope" || sel.Sel.Name == "Plan" || sel.Sel.Name == "Balance")):
					all.add(s, at(x))
				case slices.Contains(shown, sel.Sel.Name) && !provider && (constant && word.MatchString(s) || partly(x.Rhs[i])) && (people || sel.Sel.Name == "Message" || sel.Sel.Name == "Next"):
					bad(x, "%s is set to words that nobody can translate", sel.Sel.Name)
				}
			}
		case *ast.ValueSpec:
			for i, id := range x.Names {
				if id.Name == "busyText" && i < len(x.Values) {
					s, _ := literal(x.Values[i])
					all.add(s, at(x))
				}
			}
		case *ast.FuncDecl:
			// What Discord's commands are about.
			if x.Name.Name == "home" && name == "adapters/discord/register.go" {
				ast.Inspect(x, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 2 {
						s, _ := literal(r.Results[1])
						all.add(s, at(r))
					}
					return true
				})
			}
		}
		return true
	})
	made := provider && !slices.Contains(prompts, name) && !strings.HasPrefix(name, "adapters/provider/sketch") && !strings.HasPrefix(name, "adapters/provider/internal/facts") && !strings.HasPrefix(name, "adapters/provider/internal/canvas")
	if people || made {
		for _, n := range loose(file) {
			expr := source(n, src, set.File(n.Pos()))
			lit, _ := literal(n)
			_, collected := all[lit]
			if _, may := allowed[name+" "+expr]; !may && !collected {
				bad(n, "words that nobody can translate (%q)", name+" "+expr)
			}
		}
	}
	return wrong, nil
}

// unread are functions whose words no person reads: logs and causes of errors.
var unread = []string{"New", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "Info", "Warn", "Error", "Debug"}

var twoWords = regexp.MustCompile(`\pL{2,},? \pL`)

// loose returns the literals of several words that are no argument of a function that translates or logs, wherever they go.
func loose(file *ast.File) (out []ast.Expr) {
	table := command.New()
	fine := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			fn := ""
			switch f := x.Fun.(type) {
			case *ast.Ident:
				fn = f.Name
			case *ast.SelectorExpr:
				fn = f.Sel.Name
			}
			if _, ok := spoken[fn]; ok || slices.Contains(unread, fn) {
				for _, a := range x.Args {
					fine[a] = true
				}
			}
		case *ast.FuncDecl:
			// What an error says of itself is for logs: Lang.Error says what people read.
			if x.Name.Name == "Error" && x.Recv != nil {
				return false
			}
		case *ast.BasicLit:
			s, ok := literal(x)
			if _, verb := table.Row(s); ok && !verb && !fine[n] && twoWords.MatchString(s) {
				out = append(out, x)
			}
		}
		return true
	})
	return out
}

// ours reports whether an error is a fault of ours or of an installation: those are for logs and operators.
func ours(x *ast.CallExpr) bool {
	if sel, ok := x.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "WithNext" {
		inner, ok := sel.X.(*ast.CallExpr)
		return ok && ours(inner)
	}
	if len(x.Args) == 0 {
		return false
	}
	code, ok := x.Args[0].(*ast.SelectorExpr)
	return ok && (code.Sel.Name == "CodeInternal" || code.Sel.Name == "CodeFatal")
}

func collectWords(d *ast.GenDecl, name string, all found) {
	for _, s := range d.Specs {
		v, ok := s.(*ast.ValueSpec)
		if !ok {
			continue
		}
		id, ok := v.Type.(*ast.Ident)
		if !ok || !slices.Contains(words, id.Name) {
			continue
		}
		for _, e := range v.Values {
			if text, ok := literal(e); ok {
				all.add(text, name)
			}
		}
	}
}

// collectFacts takes what providers' dated facts and the tables of parameters say to people.
func collectFacts(path, name string, all found) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var any any
	if err := json.Unmarshal(data, &any); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	walk(any, func(key, text string) {
		if key == "how" || key == "rules" || key == "help" {
			all.add(text, name)
		}
	}, "")
	return nil
}

func walk(v any, f func(key, text string), key string) {
	switch x := v.(type) {
	case string:
		f(key, x)
	case []any:
		for _, e := range x {
			walk(e, f, key)
		}
	case map[string]any:
		for k, e := range x {
			walk(e, f, k)
		}
	}
}

var inPage = regexp.MustCompile(`\.T "((?:[^"\\]|\\.)*)"`)

func collectPage(path, name string, all found) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, m := range inPage.FindAllSubmatch(data, -1) {
		all.add(string(m[1]), name)
	}
	return nil
}

// catalogue reads one file as it stands.
func catalogue(t *testing.T, name string) map[string]map[string]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	out := map[string]map[string]string{}
	for k, v := range raw {
		var forms map[string]string
		var one string
		if json.Unmarshal(v, &one) == nil {
			forms = map[string]string{"other": one}
		} else if err := json.Unmarshal(v, &forms); err != nil {
			t.Fatalf("%s: %q: %v", name, k, err)
		}
		out[k] = forms
	}
	return out
}

func files(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no catalogue", err)
	}
	return names
}

// namedThings are the ids of names: verbs, their short forms, their first words, options and choices, of which a catalogue may have any.
func namedThings() map[string]bool {
	out := map[string]bool{}
	for _, r := range command.New().Offered() {
		out["verb:"+r.Verb] = true
		for _, short := range r.Aliases {
			out["verb:"+short] = true
		}
		if first, second := r.Words(); second != "" {
			out["group:"+first] = true
		}
		for _, o := range r.Options {
			out["option:"+o.Name] = true
			for _, c := range o.Choices {
				out["choice:"+c] = true
			}
		}
	}
	return out
}

// TestCataloguesAreComplete fails with every sentence that a language lacks, every one that nobody says any more, and every
// place that says something past the catalogues.
func TestCataloguesAreComplete(t *testing.T) {
	all, counted, wrong := collect(t)
	for _, w := range wrong {
		t.Error(w)
	}
	things := namedThings()
	for _, name := range files(t) {
		have := catalogue(t, name)
		for _, s := range slices.Sorted(maps.Keys(all)) {
			if have[s]["other"] == "" && !wordless(s) {
				t.Errorf("%s lacks %q (%s)", name, s, all[s])
			}
			if _, ok := counted[s]; ok && have[s]["one"] == "" {
				t.Errorf("%s lacks the form for one of %q (%s)", name, s, all[s])
			}
		}
		for _, s := range slices.Sorted(maps.Keys(have)) {
			if _, ok := all[s]; !ok && !things[s] {
				t.Errorf("%s: nobody says %q any more", name, s)
			}
		}
		for _, thing := range slices.Sorted(maps.Keys(things)) {
			if strings.HasPrefix(thing, "verb:") && have[thing] == nil {
				t.Errorf("%s lacks a name for %q", name, thing)
			}
		}
	}
}

// TestTranslationsTakeTheSameArguments compares the verbs of package fmt, so that no answer ever reads %!s(MISSING).
func TestTranslationsTakeTheSameArguments(t *testing.T) {
	for _, name := range files(t) {
		for id, forms := range catalogue(t, name) {
			want := arguments(id)
			for form, text := range forms {
				if got := arguments(text); !maps.Equal(got, want) && !(form == "one" && !strings.Contains(fmt.Sprintf(text, 1, "a", "b", "c"), "%!")) {
					t.Errorf("%s: %q takes %v, and its translation %q takes %v", name, id, want, text, got)
				}
			}
		}
	}
}

// arguments are the verbs of a format by the number of their argument.
func arguments(format string) map[int]string {
	out, next := map[int]string{}, 1
	for _, v := range verbs.FindAllString(format, -1) {
		if strings.HasSuffix(v, "%") {
			continue
		}
		if i := strings.IndexByte(v, ']'); i > 0 {
			next, _ = strconv.Atoi(v[2:i])
			v = "%" + v[i+1:]
		}
		out[next] = v
		next++
	}
	return out
}
