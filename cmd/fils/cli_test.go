package fils

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain_WrongCommandLines(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		says string
	}{
		{"--bogus", "no flag --bogus"},
		{"-bogus", "no flag --bogus"},
		{"--lang fr", "en and ar"},
		{"--lang=", "en and ar"},
		{"--lang", "missing behind --lang"},
		{"--data", "missing behind --data"},
		{"--data=", "--data is empty"},
		{"--training=perhaps", "--training takes no such value"},
		{"--training extra", `unexpected "extra"`},
		{"--sandbox-listen here", "HOST:PORT"},
		{"--sandbox-listen 127.0.0.1", "HOST:PORT"},
		{"--sandbox-listen 127.0.0.1:x", "HOST:PORT"},
		{"--sandbox-listen 127.0.0.1:70000", "HOST:PORT"},
		{"--sandbox-listen example.com:80", "HOST:PORT"},
		{"--sandbox-listen=", "HOST:PORT"},
		{"sell", `no command "sell"`},
		{"version --long", "version takes no"},
		{"help me", "help takes no"},
		{"connect", "--file"},
		{"connect --file x --training", "no flag --training"},
		{"journal", "write journal verify, journal export"},
		{"journal repair", "not \"repair\""},
		{"journal --data x", "write journal verify, journal export"},
		{"journal verify --lang en", "no flag --lang"},
		{"journal verify --by huda", "no flag --by"},
		{"journal verify now", `unexpected "now"`},
		{"journal rebuild --pin-file x", "no flag --pin-file"},
		{"journal export --pin 738291", "no flag --pin"},
		{"journal salvage", "journal salvage needs DAMAGED and NEW"},
		{"journal salvage a.db", "journal salvage needs NEW"},
		{"journal salvage a.db b.db c.db", "unexpected"},
		{"journal restore", "journal restore needs FILE"},
		{"shift", "write shift x, shift z, shift close"},
		{"shift y", "shift can x, z, close"},
		{"shift x 3", `unexpected "3"`},
		{"shift z", "shift z needs NUMBER"},
		{"shift z --training", "shift z needs NUMBER"},
		{"shift z three", "not the number of a shift"},
		{"shift z 0", "not the number of a shift"},
		{"shift z 3 4", `unexpected "4"`},
		{"adopt", "adopt needs NUMBER"},
		{"adopt 131", "--note WHY"},
		{"adopt 131 --note", "missing behind --note"},
		{"journal export all", `unexpected "all"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Chdir(dir)
			wantFailure(t, fils(strings.Fields(c.args)...), 2, c.says, "see fils help")
		})
	}
	wantFailure(t, fils(""), 2, `no command ""`)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a wrong command line left %v, %v", left, err)
	}
}

func TestMain_VersionAndHelp(t *testing.T) {
	if r := fils("version"); r != (ran{0, "fils 1.2.3\n", ""}) {
		t.Errorf("version: %+v", r)
	}
	help := fils("help")
	if help.code != 0 || help.err != "" {
		t.Fatalf("help: %+v", help)
	}
	for _, word := range []string{"--training", "--data", "--sandbox-listen", "--lang", "connect", "--passphrase-file", "--replace", "--by", "--pin-file", "--note", "version"} {
		if !strings.Contains(help.out, word) {
			t.Errorf("help does not tell of %s", word)
		}
	}
	for _, r := range recordsCommands() {
		if !strings.Contains(help.out, "\n  fils "+strings.Join(append([]string{r.name}, r.words...), " ")+" ") &&
			!strings.Contains(help.out, "\n  fils "+strings.Join(append([]string{r.name}, r.words...), " ")+"\n") {
			t.Errorf("help does not tell of %s", r.name)
		}
	}
	for _, args := range [][]string{{"--help"}, {"-h"}, {"connect", "--help"}, {"journal", "--help"}, {"journal", "verify", "--help"}, {"shift", "z", "3", "-h"}, {"adopt", "--help"}} {
		if r := fils(args...); r != help {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestMain_ABrokenProgramFileIsSaid(t *testing.T) {
	var out, errs strings.Builder
	if code := Main([]string{"version"}, strings.NewReader(""), &out, &errs, []byte("[Details]\n")); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(errs.String(), "FyneApp.toml") {
		t.Errorf("said %q", errs.String())
	}
}

func TestMain_DataDirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, fils("--data", filepath.Join(file, "below")), 1, "--data")
}

func TestMain_SandboxListenOnARealTill(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(journalPath(dir, false), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, fils("--data", dir, "--sandbox-listen", "127.0.0.1:0"), 2, "--training")
}
