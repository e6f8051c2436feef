package ui

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"fyne.io/fyne/v2"
	"golang.org/x/text/unicode/bidi"

	"github.com/filspos/fils/pos"
)

var keyPattern = regexp.MustCompile(`^[a-z]+([._][a-z]+)+$`)

// literals are all string literals of the package's own files.
func literals(t *testing.T, dir string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), dir+"/"+f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					out[s] = true
				}
			}
			return true
		})
	}
	return out
}

func catalogue(t *testing.T, lang string) *words {
	t.Helper()
	w, err := loadWords(lang)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCatalogues_hold_exactly_the_keys_in_use(t *testing.T) {
	used := literals(t, ".")
	prefixes := map[string]bool{}
	for key := range catalogue(t, "en").sentences {
		prefixes[strings.SplitN(key, ".", 2)[0]] = true
	}
	for _, lang := range languages {
		w := catalogue(t, lang)
		for key := range w.sentences {
			if !used[key] {
				t.Errorf("%s: %s is not used", lang, key)
			}
		}
		for key := range used {
			if _, ok := w.sentences[key]; !ok && keyPattern.MatchString(key) && prefixes[strings.SplitN(key, ".", 2)[0]] {
				t.Errorf("%s: %s is missing", lang, key)
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func TestCatalogues_agree_on_placeholders_and_plurals(t *testing.T) {
	en, ar := catalogue(t, "en"), catalogue(t, "ar")
	for key, s := range en.sentences {
		other := ar.sentences[key]
		if (s.forms == nil) != (other.forms == nil) {
			t.Errorf("%s has plurals in one language only", key)
			continue
		}
		if s.forms == nil {
			a, b := placeholder.FindAllString(s.text, -1), placeholder.FindAllString(other.text, -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s: placeholders %v and %v", key, a, b)
			}
			if s.text == "" || other.text == "" {
				t.Errorf("%s is empty", key)
			}
			continue
		}
		for lang, want := range map[string][]string{"en": {"one", "other"}, "ar": {"few", "many", "one", "other", "two"}} {
			got := slices.Sorted(maps.Keys(catalogue(t, lang).sentences[key].forms))
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: forms %v, want %v", lang, key, got, want)
			}
		}
	}
}

func TestPlural_follows_the_language(t *testing.T) {
	w := catalogue(t, "ar")
	for n, want := range map[int]string{1: "عملية تُركت جانباً", 2: "عمليتان تُركتا جانباً", 3: "3 عمليات تُركت جانباً", 10: "10 عمليات تُركت جانباً", 11: "11 عملية تُركت جانباً", 100: "100 عملية تُركت جانباً", 103: "103 عمليات تُركت جانباً"} {
		if got := w.count("till.open", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := catalogue(t, "en").count("till.open", 1); got != "One sale set aside" {
		t.Errorf("one: %q", got)
	}
}

// constants are the values of a type's string constants in a package.
func constants(t *testing.T, dir, typ string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && path != "." {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), dir+"/"+path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typ {
				for _, v := range spec.Values {
					if lit, ok := v.(*ast.BasicLit); ok {
						if s, err := strconv.Unquote(lit.Value); err == nil {
							out = append(out, s)
						}
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no constants of %s: %v", typ, err)
	}
	return out
}

func TestEverything_the_engine_can_say_has_words(t *testing.T) {
	missing := func(kind, value string, ok bool) {
		t.Helper()
		if !ok {
			t.Errorf("%s %q has no words", kind, value)
		}
	}
	for _, c := range constants(t, "../pos", "Code") {
		_, ok := codeKeys()[pos.Code(c)]
		missing("code", c, ok)
	}
	for _, c := range constants(t, "../pos/setup", "Problem") {
		_, ok := setupKeys()[pos.Code(c)]
		missing("problem", c, ok)
	}
	for _, c := range constants(t, "../pos", "Phase") {
		_, ok := phaseKeys()[pos.Phase(c)]
		missing("phase", c, ok)
	}
	for _, c := range constants(t, "../pos", "RefundState") {
		_, ok := refundKeys()[pos.RefundState(c)]
		missing("refund state", c, ok)
	}
	for _, c := range constants(t, "../pos", "AlertKind") {
		_, ok := alertKeys()[pos.AlertKind(c)]
		missing("alert", c, ok)
	}
	for _, c := range constants(t, "../pos", "Kind") {
		_, ok := factKeys()[pos.Kind(c)]
		missing("fact", c, ok)
	}
}

// One word for one thing: the name of the program is also the word for a coin,
// and what is written of money is not the file that support asks for.
func TestArabic_has_one_word_for_the_program_and_one_for_the_journal(t *testing.T) {
	const name, program, journal = "فلس", "برنامج", "سجل"
	en, err := loadWords("en")
	if err != nil {
		t.Fatal(err)
	}
	ar, err := loadWords("ar")
	if err != nil {
		t.Fatal(err)
	}
	all := func(s sentence) string {
		out := []string{s.text}
		for _, form := range s.forms {
			out = append(out, form)
		}
		return strings.Join(out, " ")
	}
	nouns := map[string]bool{journal: true}
	for _, before := range []string{"ال", "لل", "بال", "وال", "ل", "ب", "و"} {
		nouns[before+journal], nouns[before+journal+"ات"] = true, true
	}
	journals, programs := 0, 0
	for key, s := range ar.sentences {
		text := all(s)
		english := strings.ToLower(all(en.sentences[key]))
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
			switch {
			case word == name && key != "app.name" && key != "help.version":
				t.Errorf("%s calls the program %q in a sentence: %s", key, name, text)
			case strings.HasSuffix(word, program):
				programs++
			case nouns[word]:
				journals++
				if !strings.Contains(english, "journal") {
					t.Errorf("%s calls %q the journal: %s", key, english, text)
				}
			}
		}
	}
	if journals < 15 || programs < 10 {
		t.Errorf("found the journal %d times and the program %d times: the words are others now", journals, programs)
	}
}

func TestLanguage_switches_while_running_and_mirrors(t *testing.T) {
	d := open(t, quiet(), nil)
	d.typed("12.5")
	place := func(id string) float32 {
		return fyne.CurrentApp().Driver().AbsolutePositionForObject(d.button(id)).X
	}
	helpAt := place("bar/help")
	seven, eight := place("pad/7"), place("pad/8")
	if seven > eight {
		t.Error("the pad is mirrored in English")
	}
	d.press(fyne.KeyF10)
	for _, text := range []string{"وضع التدريب", "المبلغ", "تحصيل 12.50 د.إ", "12.5", "آخر خمس عمليات"} {
		d.wantText(text)
	}
	if place("bar/help") >= helpAt/2 {
		t.Error("the bar is not mirrored in Arabic")
	}
	if place("pad/7") > place("pad/8") {
		t.Error("the digits of the pad are mirrored in Arabic")
	}
	d.press(fyne.KeyF10)
	d.wantText("Charge AED 12.50")
}

func TestTheme_switches_while_running_and_is_told(t *testing.T) {
	told := make(chan bool, 1)
	d := open(t, quiet(), func(c *Config) { c.Saved = func(chosen Choice) { told <- chosen.Dark } })
	d.press(fyne.KeyF8)
	if !<-told || !d.app.look.Dark {
		t.Error("the theme did not change")
	}
}

func TestHelp_names_the_keys(t *testing.T) {
	d := open(t, quiet(), nil)
	d.press(fyne.KeyF1)
	for _, text := range []string{"F1", "F3", "F6", "F7", "F10", "Esc", "Enter", "Backspace"} {
		d.wantText(text)
	}
	d.press(fyne.KeyF1)
	if d.app.dialog() != nil {
		t.Error("F1 does not close the help")
	}
}

// mixed reports text that holds right-to-left letters and anything that is
// read from left to right: the toolkit would draw it in the wrong order.
func mixed(text string) bool {
	var left, right bool
	for _, r := range text {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.R, bidi.AL:
			right = true
		case bidi.L, bidi.EN, bidi.AN:
			left = true
		}
	}
	return left && right
}

func TestNoTextObject_mixes_directions(t *testing.T) {
	for _, lang := range languages {
		d := open(t, quiet(), func(c *Config) { c.Lang, c.Cashier = lang, "مريم Ali 2" })
		check := func(where string) {
			t.Helper()
			for _, x := range d.drawn() {
				if mixed(x.Text) {
					t.Errorf("%s %s: %q mixes directions", lang, where, x.Text)
				}
			}
		}
		d.engine.sales[0].Intent.Reference = "طاولة 12 (VIP)"
		v := quiet()
		v.Recent = []pos.SaleView{{Sale: d.engine.sales[0], Phase: pos.PhasePaid}}
		v.Cards = []pos.SaleView{{Sale: d.engine.sales[2], Phase: pos.PhaseUnknown}}
		v.Alerts = []pos.Alert{{ID: 1, Kind: pos.AlertLatePayment, Sale: "SAAA111", Amount: 4200, Code: "403", Trace: "7f"}}
		d.show(v)
		check("till")
		d.press(fyne.KeyF3)
		d.until("the list", func() bool { return d.has("row/SAAA111") })
		d.chooseFirstRow()
		check("history")
		d.press(fyne.KeyReturn, fyne.KeyReturn)
		check("refund")
		d.press(fyne.KeyReturn)
		check("refund read back")
		d.press(fyne.KeyEscape, fyne.KeyEscape, fyne.KeyF4)
		check("alerts")
		d.press(fyne.KeyF1)
		check("help")
		d.press(fyne.KeyF1)
		for phase, state := range map[pos.Phase]pos.SaleState{
			pos.PhaseAwaiting: pos.SaleAwaiting, pos.PhaseClosing: pos.SaleAwaiting, pos.PhasePaid: pos.SalePaid, pos.PhaseClosed: pos.SaleClosed,
			pos.PhaseRefused: pos.SaleClosed, pos.PhaseUnknown: pos.SaleUnknown, pos.PhaseReversed: pos.SaleReversed, pos.PhaseDisputed: pos.SaleDisputed,
		} {
			d.show(front(phase, state, func(f *pos.SaleView) {
				f.Sale.Intent.Reference = "طاولة 12 (VIP)"
				f.Sale.Refusal = &pos.Refusal{Code: "403", Message: "UNAUTHORIZED", Trace: "0a", Class: "config"}
			}))
			check(string(phase))
		}
	}
}

func (d *desk) chooseFirstRow() {
	d.Helper()
	d.press(fyne.KeyDown)
	d.until("the details", func() bool { return d.app.history.detail != nil && d.has("detail/refund") })
}
