package fils

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxPINLine is the longest line that can be a PIN, in any digits.
const maxPINLine = 64

// askPIN brings a PIN from file ("-" is standard input), else from the
// terminal without echo. It is never an argument or a variable: other programs
// can read those.
func askPIN(ctx context.Context, file, question string, c console) (string, error) {
	switch in, _ := c.in.(*os.File); {
	case file == "-":
		return firstLine(c.in, "standard input")
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("--pin-file %s cannot be read", file)
		}
		defer f.Close()
		return firstLine(f, "--pin-file "+file)
	case in != nil && term.IsTerminal(int(in.Fd())):
		return typed(ctx, in, c.err, question+": ")
	}
	return "", errors.New("nobody can be asked for a PIN here; write --pin-file FILE, or --pin-file - to give it on standard input")
}

// firstLine reads no byte beyond the line: another question may follow.
func firstLine(r io.Reader, what string) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxPINLine; {
		n, err := r.Read(b)
		if n == 1 && b[0] == '\n' {
			break
		}
		line = append(line, b[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("%s cannot be read", what)
		}
	}
	text := strings.TrimRight(string(line), "\r")
	if text == "" {
		return "", fmt.Errorf("%s holds no PIN", what)
	}
	return text, nil
}

// typed reads a line from a terminal without showing it. When ctx ends, the
// terminal shows what is typed again; the reading goroutine ends with the
// process, because nothing can interrupt it.
func typed(ctx context.Context, in *os.File, out io.Writer, prompt string) (string, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", errors.New("this terminal cannot be asked for a PIN; write --pin-file FILE")
	}
	fmt.Fprint(out, prompt)
	defer fmt.Fprintln(out)
	type answer struct {
		text []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- answer{text, err}
	}()
	select {
	case a := <-done:
		if a.err != nil || len(a.text) == 0 {
			return "", errors.New("no PIN was typed")
		}
		return string(a.text), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", errors.New("no PIN was typed")
	}
}
