package fils

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/pos"
)

const testApp = `[Details]
ID = "app.filspos.fils"
Name = "Fils"
Version = "1.2.3"
Build = 7
`

// The test binary is also the programs that tests start.
const roleEnv = "FILS_TEST_ROLE"

const (
	roleMain  = "main"  // the command line in its arguments
	roleTill  = "till"  // a till without screens that charges and then waits
	roleGuest = "guest" // a till of a user who may only read the data directory
	patience  = time.Minute
	childSale = pos.Fils(1234)
)

func TestMain(m *testing.M) {
	keyring.MockInit() // never the keyring of whoever runs the tests
	switch os.Getenv(roleEnv) {
	case roleMain:
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, []byte(testApp)))
	case roleTill:
		os.Exit(tillProcess(os.Args[1]))
	case roleGuest:
		os.Exit(guestProcess(os.Args[1], os.Args[2]))
	}
	os.Exit(m.Run())
}

// child is what a till process tells its parent.
type child struct {
	Sale    pos.SaleNo `json:"sale"`
	QR      string     `json:"qr"`
	Sandbox string     `json:"sandbox"`
}

// tillProcess charges, prints the sale and waits to be killed.
func tillProcess(dir string) int {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := func() error {
		lock, err := lockDir(dir)
		if err != nil {
			return err
		}
		defer lock.Close()
		s, err := openStation(ctx, stationOptions{dir: dir, training: true, log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		no, err := s.till.Charge(ctx, pos.ChargeRequest{Amount: childSale, Cashier: "Aisha"})
		if err != nil {
			return err
		}
		v, err := await(ctx, s.till, func(v *pos.View) bool { return v.Front != nil && v.Front.QR != "" })
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(child{no, v.Front.QR, s.sandbox}); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, os.Stdin)
		return errors.Join(err, s.close())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// await returns the first view that satisfies want.
func await(ctx context.Context, till *pos.Till, want func(*pos.View) bool) (*pos.View, error) {
	changes, stop := till.Changes()
	defer stop()
	for {
		if v := till.View(); want(v) {
			return v, nil
		}
		select {
		case <-changes:
		case <-ctx.Done():
			text, _ := json.Marshal(till.View())
			return nil, fmt.Errorf("never seen; the last view was %s", text)
		}
	}
}

// ran is the outcome of a command line.
type ran struct {
	code     int
	out, err string
}

func fils(args ...string) ran { return filsReading("", args...) }

// filsReading runs a command line with in on its standard input.
func filsReading(in string, args ...string) ran {
	var out, errs bytes.Buffer
	code := Main(args, strings.NewReader(in), &out, &errs, []byte(testApp))
	return ran{code, out.String(), errs.String()}
}

// process runs a command line in a process of its own. env replaces the
// variables that name a display.
func process(t *testing.T, env []string, args ...string) ran {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE":
		default:
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, roleEnv+"="+roleMain), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// wantFailure checks a failed run: its code, one line on standard error, and
// what the line must say.
func wantFailure(t *testing.T, r ran, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; %s", r.code, code, r.err)
	}
	if r.out != "" {
		t.Errorf("standard output has %q", r.out)
	}
	if !strings.HasPrefix(r.err, "fils: ") || strings.Count(r.err, "\n") != 1 || !strings.HasSuffix(r.err, "\n") {
		t.Errorf("not one line: %q", r.err)
	}
	for _, s := range says {
		if !strings.Contains(r.err, s) {
			t.Errorf("%q does not say %q", r.err, s)
		}
	}
}
