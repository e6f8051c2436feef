// Command fils-relay is the public door for PayBy's notifications: it takes
// them by HTTP and passes them on to tills over websockets. See package
// relay/server for what it promises and docs/relay-protocol.md for the wire.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/filspos/fils/relay/server"
)

const usage = `fils-relay takes PayBy's payment notifications and passes them on to tills.

  fils-relay serve --listen HOST:PORT --config FILE [--tls-cert FILE --tls-key FILE]
  fils-relay token      print a new till token and the hash for the configuration
  fils-relay version
  fils-relay help

serve:
  --listen HOST:PORT     where to listen (default 127.0.0.1:8480)
  --config FILE          merchants, their PayBy keys, and their tills (required)
  --tls-cert, --tls-key  certificate chain and key, PEM; serves https and wss
  --behind-proxy         without TLS, listen on other than loopback addresses,
                         because a proxy in front does TLS
  --trusted-proxy CIDR   believe X-Forwarded-For from these addresses; may be
                         repeated (default: loopback, when listening on it)

What it has taken is kept in MEMORY ONLY: notifications that a till has not
fetched are lost when fils-relay stops. Tills then ask PayBy themselves.

PayBy's notifyUrl of a till is  https://YOUR-HOST/n/MERCHANT/TILL
Configuration (TOML), key files relative to it:

  [[merchant]]
  id   = "corner-shop"
  keys = ["payby-public.pem"]     # several while PayBy's key changes
  [[merchant.till]]
  id     = "POS01"
  tokens = ["SHA-256 in hex, from fils-relay token"]   # none: retired till
`

// errUsage marks what the caller of the command got wrong.
var errUsage = errors.New("see fils-relay help")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0, 1 for trouble, 2
// for a wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := command(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "fils-relay:", err)
		return 2
	}
	fmt.Fprintln(stderr, "fils-relay:", err)
	return 1
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no command given; %w", errUsage)
	}
	name, args := args[0], args[1:]
	if name == "serve" {
		opts, err := parseServe(args)
		if errors.Is(err, flag.ErrHelp) {
			_, err := io.WriteString(stdout, usage)
			return err
		}
		if err != nil {
			return fmt.Errorf("%w; %w", err, errUsage)
		}
		return serve(ctx, opts, stdout, stderr)
	}
	var action func(io.Writer) error
	switch name {
	case "token":
		action = printToken
	case "version":
		action = printVersion
	case "help", "-h", "-help", "--help":
		action = func(w io.Writer) error {
			_, err := io.WriteString(w, usage)
			return err
		}
	default:
		return fmt.Errorf("unknown command %q; %w", name, errUsage)
	}
	if len(args) > 0 {
		return fmt.Errorf("%s takes no %q; %w", name, args[0], errUsage)
	}
	return action(stdout)
}

func printToken(w io.Writer) error {
	token, err := server.NewToken(rand.Reader)
	if err != nil {
		return err
	}
	hash := server.HashToken(token)
	_, err = fmt.Fprintf(w, "token   %s\nsha256  %s\n", token, hex.EncodeToString(hash[:]))
	return err
}

func printVersion(w io.Writer) error {
	version := "development"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = strings.Trim(info.Main.Version, "()")
	}
	_, err := fmt.Fprintln(w, "fils-relay", version)
	return err
}
