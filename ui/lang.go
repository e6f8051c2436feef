package ui

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/filspos/fils/assets"
)

// Languages in the order in which the language key goes through them.
var languages = []string{"en", "ar"}

// sentence is one entry of a catalogue: a text, or a text for each plural
// category of the language.
type sentence struct {
	text  string
	forms map[string]string
}

func (s *sentence) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		return json.Unmarshal(data, &s.forms)
	}
	return json.Unmarshal(data, &s.text)
}

// words are the sentences of one language.
type words struct {
	lang      string
	sentences map[string]sentence
}

// loadWords reads a catalogue; an unknown language falls back to English.
func loadWords(lang string) (*words, error) {
	data, err := assets.Translation(lang)
	if err != nil {
		lang = languages[0]
		if data, err = assets.Translation(lang); err != nil {
			return nil, fmt.Errorf("load language: %w", err)
		}
	}
	w := &words{lang: lang}
	if err := json.Unmarshal(data, &w.sentences); err != nil {
		return nil, fmt.Errorf("load language %s: %w", lang, err)
	}
	return w, nil
}

func (w *words) rtl() bool { return w.lang == "ar" }

// t is the sentence of a key. args are pairs of a placeholder's name and its
// value. An unknown key shows itself, so that it is noticed.
func (w *words) t(key string, args ...string) string {
	s, ok := w.sentences[key]
	if !ok {
		return key
	}
	return fill(s.text, args)
}

// count is the sentence of a key for a number, which fills {n}.
func (w *words) count(key string, n int, args ...string) string {
	s, ok := w.sentences[key]
	if !ok {
		return key
	}
	text, ok := s.forms[plural(w.lang, n)]
	if !ok {
		text = s.forms["other"]
	}
	return fill(text, append([]string{"n", fmt.Sprint(n)}, args...))
}

func fill(text string, args []string) string {
	for i := 0; i+1 < len(args); i += 2 {
		text = strings.ReplaceAll(text, "{"+args[i]+"}", args[i+1])
	}
	return text
}

// plural is the category of a number by the rules of CLDR.
func plural(lang string, n int) string {
	if lang != "ar" {
		if n == 1 {
			return "one"
		}
		return "other"
	}
	switch r := n % 100; {
	case n == 0:
		return "zero"
	case n == 1:
		return "one"
	case n == 2:
		return "two"
	case r >= 3 && r <= 10:
		return "few"
	case r >= 11:
		return "many"
	}
	return "other"
}
