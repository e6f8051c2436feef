//go:build window && linux

package windowtest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/internal/windowtest"
)

// till is one run of the program.
type till struct {
	on      *screen
	data    string
	cmd     *exec.Cmd
	stderr  string // file
	sandbox string // http://HOST:PORT
	window  string

	out   *io.PipeWriter // standard output, read line by line until closed
	ended chan struct{}  // reading has ended
	lines []string       // of standard output; read it after ended
}

// openTill starts the program and waits until its window is there and drawn.
// listen is where the practice gateway shall listen. The program ends with
// owner, the whole test; t is the part of it that waits here.
func openTill(t, owner *testing.T, on *screen, data, listen, name string) *till {
	t.Helper()
	r := &till{on: on, data: data, ended: make(chan struct{}), stderr: filepath.Join(on.dir, name+".stderr")}
	r.cmd = exec.Command(*program, "--training", "--data", data, "--sandbox-listen", listen, "--lang", "en")
	r.cmd.Env = on.env(owner.TempDir())
	read, write := io.Pipe()
	r.out, r.cmd.Stdout = write, write
	first := make(chan string, 1)
	owner.Cleanup(func() { <-r.ended })
	start(owner, r.cmd, r.stderr)
	go func() {
		defer close(r.ended)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			r.lines = append(r.lines, lines.Text())
			select {
			case first <- lines.Text():
			default:
			}
		}
	}()
	owner.Cleanup(func() { write.Close() })

	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case line := <-first:
		base, ok := strings.CutPrefix(line, "sandbox ")
		if !ok || !strings.HasPrefix(base, "http://127.0.0.1:") {
			t.Fatalf("first line of output is %q, want sandbox http://HOST:PORT", line)
		}
		r.sandbox = base
	case <-timeout.C:
		t.Fatalf("no line on standard output within %s", patience)
	}
	pid := fmt.Sprint(r.cmd.Process.Pid)
	r.window = await(t, "the window", func() (string, error) {
		ids, err := on.xdotool("search", "--onlyvisible", "--pid", pid)
		id, _, _ := strings.Cut(ids, "\n")
		return id, err
	})
	await(t, "the window to take the keys", func() (string, error) {
		if _, err := on.xdotool("windowactivate", r.window); err != nil {
			return "", err
		}
		active, err := on.xdotool("getwindowfocus")
		if err == nil && active != r.window {
			err = fmt.Errorf("window %s has the focus, not %s", active, r.window)
		}
		return active, err
	})
	await(t, "the window to be drawn", func() (struct{}, error) {
		img, err := on.look()
		if err == nil && windowtest.Black(img) > 30 {
			err = fmt.Errorf("%d %% of the screen is black", windowtest.Black(img))
		}
		return struct{}{}, err
	})
	return r
}

// kill ends the program as a power cut would.
func (r *till) kill(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait() // killed: the error says so
	r.check(t)
}

// quit closes the window as a person would and waits for the program's end.
func (r *till) quit(t *testing.T) {
	t.Helper()
	r.on.press(t, "alt+F4")
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("closing the window: %v, want exit 0", err)
		}
	case <-timeout.C:
		_ = r.cmd.Process.Kill()
		<-done
		t.Errorf("the program did not end within %s of closing its window", patience)
	}
	r.check(t)
}

// check reads what the program printed.
func (r *till) check(t *testing.T) {
	t.Helper()
	r.out.Close()
	<-r.ended
	if len(r.lines) != 1 {
		t.Errorf("standard output has %d lines, want one: %q", len(r.lines), r.lines)
	}
	text, err := os.ReadFile(r.stderr)
	if err != nil {
		t.Error(err)
	}
	for _, line := range windowtest.Trouble(text) {
		t.Errorf("error output: %s", line)
	}
}

// fils runs the program's command line.
func (r *till) fils(args ...string) ([]byte, error) {
	cmd := exec.Command(*program, args...)
	cmd.Env = r.cmd.Env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("fils %s: %w: %s", strings.Join(args, " "), err, errs.Bytes())
	}
	return out.Bytes(), nil
}

// journal exports the journal while the program runs.
func (r *till) journal(t *testing.T) []windowtest.Event {
	t.Helper()
	out, err := r.fils("journal", "export", "--data", r.data, "--training")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.on.dir, "journal.jsonl"), out, 0o644); err != nil {
		t.Fatal(err)
	}
	events, err := windowtest.ReadJournal(out)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// verify checks the journal's chain and returns the number of events.
func (r *till) verify(t *testing.T) {
	t.Helper()
	out, err := r.fils("journal", "verify", "--data", r.data, "--training")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(len(r.journal(t))); !strings.Contains(string(out), want) {
		t.Errorf("verify says %q; the journal has %s events", out, want)
	}
}

// awaitEvent waits until the journal has an event of this kind about sale.
func (r *till) awaitEvent(t *testing.T, sale, kind string) windowtest.Event {
	t.Helper()
	return await(t, kind+" in the journal", func() (windowtest.Event, error) {
		if found := windowtest.Find(r.journal(t), sale, kind); len(found) > 0 {
			return found[0], nil
		}
		return windowtest.Event{}, errors.New("not there yet")
	})
}

// awaitWitness waits until source has told the journal that sale is paid.
func (r *till) awaitWitness(t *testing.T, sale, source string) {
	t.Helper()
	await(t, "a payment of "+sale+" proven by "+source, func() (windowtest.Event, error) {
		for _, e := range r.journal(t) {
			if e.Sale == sale && (e.Kind == "sale.paid" || e.Kind == "sale.witnessed") && e.Data.Order != nil && e.Data.Order.Source == source {
				return e, nil
			}
		}
		return windowtest.Event{}, errors.New("not there yet")
	})
}

// order is one order of the practice gateway.
type order struct {
	MerchantOrderNo string
	Status          string
	TotalFils       int64
	Paid            bool
	TokenURL        string
	Refunds         []struct {
		RefundMerchantOrderNo string
		Status                string
		AmountFils            int64
	}
}

func (r *till) orders(t *testing.T) []order {
	t.Helper()
	answer, err := http.Get(r.sandbox + "/_control/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list []order
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("orders: %s, %v", answer.Status, err)
	}
	return list
}

// order returns the order whose QR code has this text.
func (r *till) order(t *testing.T, url string) order {
	t.Helper()
	var found []order
	for _, o := range r.orders(t) {
		if o.TokenURL == url {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the QR code %q belongs to %d orders of %+v", url, len(found), r.orders(t))
	}
	return found[0]
}

// control sends a command to the practice gateway.
func (r *till) control(t *testing.T, name, body string) {
	t.Helper()
	answer, err := http.Post(r.sandbox+"/_control/"+name, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<12))
		t.Fatalf("control %s: %s: %s", name, answer.Status, text)
	}
}
