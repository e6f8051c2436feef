package fils

import (
	"context"
	"slices"
	"strings"
)

// recordsCommand is a command about a journal.
type recordsCommand struct {
	// name as it is typed, without the program's.
	name string
	// words are what follows the name.
	words []string
	// pin: it may ask for a PIN. note: it takes a reason. replace: it writes a
	// file that may be there. raw: it can show what PayBy sent.
	pin, note, replace, raw bool
	run                     func(ctx context.Context, o records, words []string, c console) error
}

func recordsCommands() []recordsCommand {
	return []recordsCommand{
		{name: "journal verify", run: verifyJournal},
		{name: "journal export", pin: true, run: exportJournal},
		{name: "journal find", words: []string{"TEXT"}, pin: true, run: findSales},
		{name: "journal story", words: []string{"NUMBER"}, pin: true, raw: true, run: tellStory},
		{name: "journal backup", words: []string{"FILE"}, pin: true, replace: true, run: backUpJournal},
		{name: "journal restore", words: []string{"FILE"}, pin: true, run: restoreJournal},
		{name: "journal salvage", words: []string{"DAMAGED", "NEW"}, pin: true, run: salvageJournal},
		{name: "journal rebuild", run: rebuildJournal},
		{name: "shift x", pin: true, run: printX},
		{name: "shift z", words: []string{"NUMBER"}, pin: true, run: printZ},
		{name: "shift close", pin: true, run: closeShift},
		{name: "adopt", words: []string{"NUMBER"}, pin: true, note: true, run: adopt},
	}
}

func parseRecords(ctx context.Context, name string, args []string, c console) error {
	if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
		return help(c)
	}
	var found *recordsCommand
	var known []string
	for _, r := range recordsCommands() {
		first, second, _ := strings.Cut(r.name, " ")
		if first != name {
			continue
		}
		known = append(known, second)
		if second == "" || len(args) > 0 && args[0] == second {
			found = &r
			break
		}
	}
	switch {
	case found == nil && (len(args) == 0 || strings.HasPrefix(args[0], "-")):
		return badUsage("write %s %s", name, strings.Join(known, ", "+name+" "))
	case found == nil:
		return badUsage("%s can %s, not %s", name, strings.Join(known, ", "), quoted(args[0]))
	case found.name != name:
		args = args[1:]
	}
	return found.parse(ctx, args, c)
}

func (r *recordsCommand) parse(ctx context.Context, args []string, c console) error {
	f := newFlags()
	var o records
	data := f.dataFlag()
	f.BoolVar(&o.training, "training", false, "")
	if r.pin {
		o.asks(f)
	}
	if r.note {
		f.StringVar(&o.note, "note", "", "")
	}
	if r.replace {
		f.BoolVar(&o.replace, "replace", false, "")
	}
	if r.raw {
		f.BoolVar(&o.raw, "raw", false, "")
	}
	words, done, err := f.parseSome(args, c)
	switch {
	case done || err != nil:
		return err
	case len(words) > len(r.words):
		return badUsage("unexpected %s", quoted(words[len(r.words)]))
	case len(words) < len(r.words):
		return badUsage("%s needs %s", r.name, strings.Join(r.words[len(words):], " and "))
	}
	if o.dir, err = data(); err != nil {
		return err
	}
	return r.run(ctx, o, words, c)
}

// asks takes the flags of a command that may ask for a PIN.
func (o *records) asks(f flags) {
	f.StringVar(&o.by, "by", "", "")
	f.StringVar(&o.pinFile, "pin-file", "", "")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "")
}
