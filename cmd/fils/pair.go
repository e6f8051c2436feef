package fils

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/relay"
)

// authoritySuffix is behind the name of the token's file.
const authoritySuffix = ".authority.pem"

type pairOptions struct {
	// code is the file with the pairing code, "-" for standard input; token
	// the file to write.
	code, token string
}

// pair exchanges the code that the relay printed for this till's token, and
// prints what belongs into the settings. The code works once, so everything
// that can fail before the exchange is tried before it.
func pair(ctx context.Context, o pairOptions, c console) error {
	code, err := readCode(o.code, c)
	if err != nil {
		return err
	}
	if _, err := relay.ParsePairingCode(code); err != nil {
		return wordPairing(&relay.PairError{Reason: relay.ReasonCode, Err: err})
	}
	if o.token, err = filepath.Abs(o.token); err != nil {
		return err
	}
	names, err := reserve(o.token, o.token+authoritySuffix)
	if err != nil {
		return err
	}
	done, err := relay.Pair(ctx, code, relay.PairConfig{Random: rand.Reader})
	if err != nil {
		return errors.Join(wordPairing(err), names.free())
	}
	lines := relayLines{URL: done.URL, Merchant: done.Merchant, Till: done.Till, TokenFile: o.token}
	if done.Authority != nil {
		lines.AuthorityFile = o.token + authoritySuffix
	}
	// The token comes last: a file with one says that nothing is missing.
	names.unlock()
	write := setup.WriteFile(o.token+authoritySuffix, done.Authority)
	if done.Authority == nil {
		write = os.Remove(o.token + authoritySuffix)
	}
	if write == nil {
		write = setup.WriteFile(o.token, []byte(done.Token+"\n"))
	}
	if write != nil {
		return errors.Join(fmt.Errorf("the token could not be written, and the code is used up; ask for another one with fils-relay till rotate: %w", write), names.free())
	}
	return lines.print(c.out)
}

// relayLines are the [relay] part of a settings file, which may lie anywhere.
type relayLines struct {
	URL           string `toml:"url"`
	Merchant      string `toml:"merchant"`
	Till          string `toml:"till"`
	TokenFile     string `toml:"token_file"`
	AuthorityFile string `toml:"authority_file,omitempty"`
}

func (l relayLines) print(out io.Writer) error {
	text, err := toml.Marshal(l)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "[relay]\n%s", text)
	return err
}

// maxCode is far above what a pairing code needs.
const maxCode = 4 << 10

// readCode brings the code from a file or standard input. It is never an
// argument: other programs can read those, and who has it is this till.
func readCode(file string, c console) (string, error) {
	in := c.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("--code-file %s cannot be read", file)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxCode))
	if err != nil {
		return "", fmt.Errorf("--code-file %s cannot be read", file)
	}
	return string(text), nil
}

// wordPairing says what to do about a pairing that did not work out.
func wordPairing(err error) error {
	var p *relay.PairError
	if !errors.As(err, &p) {
		return err
	}
	switch p.Reason {
	case relay.ReasonCode:
		return errors.New("this is not a pairing code, or it was used or is more than a day old; ask for another one with fils-relay till rotate")
	case relay.ReasonUnreachable:
		return errors.New("the relay does not answer; is the network there? Try the same code again, and ask for another one if it is refused then")
	case relay.ReasonBusy:
		return errors.New("the relay is busy; try the same code again in a minute")
	case relay.ReasonTLS:
		return errors.New("the relay's certificate is not trusted, so the code was not sent")
	case relay.ReasonClock:
		return errors.New("the relay's certificate is out of its dates; is this computer's clock right?")
	case relay.ReasonNotRelay:
		return errors.New("something else than a relay answers at the code's address")
	}
	return fmt.Errorf("the relay was not understood (%s); it may be of another version", p.Reason)
}
