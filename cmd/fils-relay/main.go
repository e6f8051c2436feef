// Command fils-relay is the public door for PayBy's notifications: it takes
// them by HTTP and passes them on to tills over websockets. See package
// relay/server for what it promises, docs/relay.md for running it, and
// docs/relay-protocol.md for the wire.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `fils-relay takes PayBy's payment notifications and passes them on to tills.

  fils-relay serve              run the relay
  fils-relay config             print the settings in force and where each comes from
  fils-relay merchant add ID --key FILE [--key FILE]
  fils-relay merchant list
  fils-relay merchant remove ID [--key FINGERPRINT]
  fils-relay till add MERCHANT TILL [--succeeds OLD-TILL]
  fils-relay till list
  fils-relay till rotate MERCHANT TILL
  fils-relay till revoke MERCHANT TILL
  fils-relay version
  fils-relay help

merchant add names a merchant and the file with PayBy's public key for it; once
more, it adds a key while PayBy changes it. till add prints a pairing code, good
for 24 hours and one till. rotate prints a new one; the till stays connected
until it is used. revoke ends a till at once; its notifications are still kept.
These commands talk to the relay that runs on this machine.

Each setting is a flag, or a variable (FILS_RELAY_PUBLIC_URL for --public-url), or
a line of the file given by --config (public-url = "https://relay.example"):

`

// errUsage marks what the caller of the command got wrong.
var errUsage = errors.New("see fils-relay help")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{out: os.Stdout, err: os.Stderr, env: os.LookupEnv, terminal: isTerminal(os.Stdout)})
	stop()
	os.Exit(code)
}

// console is what a command talks to.
type console struct {
	out, err io.Writer
	env      func(string) (string, bool)
	terminal bool // out is a terminal
}

// run executes one command line and returns the exit code: 0, 1 for trouble, 2
// for a wrong command line.
func run(ctx context.Context, args []string, c console) int {
	err := command(ctx, args, c)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(c.out, usage, describe())
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(c.err, "fils-relay:", err)
		return 2
	}
	fmt.Fprintln(c.err, "fils-relay:", err)
	return 1
}

func command(ctx context.Context, args []string, c console) error {
	s, words, err := load(args, c.env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return err
	case len(words) == 0:
		return fmt.Errorf("no command given; %w", errUsage)
	}
	name, words := words[0], words[1:]
	switch name {
	case "merchant", "till":
		return administer(ctx, s, name, words, c)
	}
	if len(words) > 0 {
		return fmt.Errorf("%s takes no %q; %w", name, words[0], errUsage)
	}
	switch name {
	case "serve":
		if err := s.check(); err != nil {
			return fmt.Errorf("%w; %w", err, errUsage)
		}
		return serve(ctx, s, c)
	case "config":
		if _, err := io.WriteString(c.out, s.print()); err != nil {
			return err
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("serve would refuse this: %w", err)
		}
		return nil
	case "version":
		return printVersion(c.out)
	case "help":
		return flag.ErrHelp
	}
	return fmt.Errorf("unknown command %q; %w", name, errUsage)
}
