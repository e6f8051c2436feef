package fils

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Exit codes; the README documents them.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitDisplay = 3
)

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// failure ends the program with one line and an exit code.
type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

func badUsage(format string, args ...any) error {
	return &failure{exitUsage, fmt.Sprintf(format, args...) + "; see fils help"}
}

// Main runs one command line (without the program's name) and returns the exit
// code. It must be called on the main goroutine. fyneApp is the text of
// FyneApp.toml.
func Main(args []string, in io.Reader, out, errs io.Writer, fyneApp []byte) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := console{in, out, errs}
	m, err := readMeta(fyneApp)
	if err == nil {
		err = command(ctx, args, c, m)
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(errs, "fils:", oneLine(err.Error()))
	var f *failure
	if errors.As(err, &f) {
		return f.code
	}
	return exitFailed
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func command(ctx context.Context, args []string, c console, m meta) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return parseRun(ctx, args, c, m)
	}
	name, args := args[0], args[1:]
	switch name {
	case "connect":
		return parseConnect(ctx, args, c)
	case "pair":
		return parsePair(ctx, args, c)
	case "certify":
		return parseCertify(ctx, args, c, m)
	case "diagnose":
		return parseDiagnose(ctx, args, c, m)
	case "journal", "shift", "adopt":
		return parseRecords(ctx, name, args, c)
	case "version", "help":
		if len(args) > 0 {
			return badUsage("%s takes no %s", name, quoted(args[0]))
		}
		if name == "help" {
			return help(c)
		}
		_, err := fmt.Fprintln(c.out, "fils", m.Details.Version)
		return err
	}
	return badUsage("there is no command %s", quoted(name))
}

func help(c console) error {
	dir, err := defaultDataDir()
	if err != nil {
		dir = "none: give --data"
	}
	_, err = fmt.Fprintf(c.out, usage, dir)
	return err
}

// flags is a flag.FlagSet that complains in one line and spells its flags
// with two dashes.
type flags struct{ *flag.FlagSet }

func newFlags() flags {
	f := flags{flag.NewFlagSet("fils", flag.ContinueOnError)}
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// parse reads args. done is true after help was printed.
func (f flags) parse(args []string, c console) (done bool, err error) {
	rest, done, err := f.parseSome(args, c)
	if err == nil && len(rest) > 0 {
		err = badUsage("unexpected %s", quoted(rest[0]))
	}
	return done, err
}

// parseSome is parse for a command that takes words before or after its flags.
func (f flags) parseSome(args []string, c console) (words []string, done bool, err error) {
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		words, args = append(words, args[0]), args[1:]
	}
	err = f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil, true, help(c)
	case err != nil:
		return nil, false, badUsage("%s", flagError(err))
	}
	return append(words, f.Args()...), false, nil
}

// flagError puts the flag package's words into ours.
func flagError(err error) string {
	text := err.Error()
	for _, r := range [][2]string{
		{"flag provided but not defined: -", "there is no flag --"},
		{"flag needs an argument: -", "a value is missing behind --"},
	} {
		if rest, ok := strings.CutPrefix(text, r[0]); ok {
			return r[1] + strings.TrimPrefix(rest, "-")
		}
	}
	if _, rest, ok := strings.Cut(text, " for -"); ok {
		name, _, _ := strings.Cut(rest, ":")
		return "--" + name + " takes no such value"
	}
	return text
}

func quoted(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return strconv.Quote(s)
}

// dataFlag is --data; its default is looked up only when it is needed.
func (f flags) dataFlag() func() (string, error) {
	given := false
	dir := ""
	f.Func("data", "", func(s string) error {
		given, dir = true, s
		return nil
	})
	return func() (string, error) {
		switch {
		case given && dir == "":
			return "", badUsage("--data is empty; write a directory")
		case given:
			return filepath.Abs(dir)
		}
		dir, err := defaultDataDir()
		if err != nil {
			return "", badUsage("%v; write --data DIR", err)
		}
		return dir, nil
	}
}

func parseRun(ctx context.Context, args []string, c console, m meta) error {
	f := newFlags()
	o := runOptions{meta: m}
	data := f.dataFlag()
	f.BoolVar(&o.training, "training", false, "")
	f.StringVar(&o.listen, "sandbox-listen", "", "")
	f.StringVar(&o.lang, "lang", "", "")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "")
	if done, err := f.parse(args, c); done || err != nil {
		return err
	}
	var err error
	if o.dir, err = data(); err != nil {
		return err
	}
	given := map[string]bool{}
	f.Visit(func(v *flag.Flag) { given[v.Name] = true })
	if given["lang"] && o.lang != "en" && o.lang != "ar" {
		return badUsage("--lang %s: there are en and ar", quoted(o.lang))
	}
	if given["sandbox-listen"] {
		if err := checkListen(o.listen); err != nil {
			return err
		}
	}
	return run(ctx, o, c)
}

func checkListen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err == nil && host != "" && host != "localhost" && net.ParseIP(host) == nil {
		err = errors.New("not an address of this computer")
	}
	if err != nil {
		return badUsage("--sandbox-listen %s is not HOST:PORT, such as 127.0.0.1:8080", quoted(address))
	}
	return nil
}

func parseConnect(ctx context.Context, args []string, c console) error {
	f := newFlags()
	var o connectOptions
	data := f.dataFlag()
	f.StringVar(&o.file, "file", "", "")
	o.asks(f)
	f.BoolVar(&o.replace, "replace", false, "")
	f.StringVar(&o.owner, "reclaim", "", "")
	if done, err := f.parse(args, c); done || err != nil {
		return err
	}
	if o.file == "" {
		return badUsage("connect needs --file settings.toml")
	}
	var err error
	if o.dir, err = data(); err != nil {
		return err
	}
	return connect(ctx, o, c)
}

func parsePair(ctx context.Context, args []string, c console) error {
	f := newFlags()
	var o pairOptions
	f.StringVar(&o.code, "code-file", "", "")
	f.StringVar(&o.token, "token-file", "", "")
	if done, err := f.parse(args, c); done || err != nil {
		return err
	}
	switch {
	case o.code == "":
		return badUsage("pair needs --code-file FILE, or --code-file - for standard input")
	case o.token == "":
		return badUsage("pair needs --token-file FILE, to write the token to")
	}
	return pair(ctx, o, c)
}
