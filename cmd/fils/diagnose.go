package fils

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// diagnoseLines is how much of the log is told, diagnoseLog how many bytes of its
// end are looked at for that; diagnoseAlerts is how many alerts are told.
const (
	diagnoseLines  = 200
	diagnoseLog    = 256 << 10
	diagnoseAlerts = 100
)

func parseDiagnose(ctx context.Context, args []string, c console, m meta) error {
	f := newFlags()
	var o records
	data := f.dataFlag()
	f.BoolVar(&o.training, "training", false, "")
	done, err := f.parse(args, c)
	if done || err != nil {
		return err
	}
	if o.dir, err = data(); err != nil {
		return err
	}
	return (&diagnosis{records: o, meta: m, now: time.Now()}).tell(ctx, c)
}

// diagnosis tells whoever supports a shop how its till stands: no amount, no payer,
// no secret, so it asks nobody for a PIN. What cannot be read is told in its place,
// for that is what one comes with.
type diagnosis struct {
	records
	meta meta
	now  time.Time
}

// tell says each part as soon as it is known: to verify a large journal takes a while.
func (d *diagnosis) tell(ctx context.Context, c console) error {
	if _, err := fmt.Fprint(c.out, "Fils, for whoever supports this shop. No amounts, no payers, no keys; read it before you send it.\n"); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		write func(context.Context, io.Writer) error
	}{
		{"This computer", d.computer},
		{"Files in " + d.dir, d.files},
		{"Settings", d.settings},
		{"Journal", d.journal},
		{"What is open", d.open},
		{"The end of the log", d.log},
	} {
		var text bytes.Buffer
		if err := part.write(ctx, &text); err != nil {
			fmt.Fprintln(&text, "cannot be told:", oneLine(err.Error()))
		}
		var all strings.Builder
		fmt.Fprintf(&all, "\n%s\n", oneLine(part.title))
		for line := range strings.Lines(text.String()) {
			fmt.Fprint(&all, "  ", line)
		}
		if _, err := fmt.Fprint(c.out, homeless(strings.Map(tame, all.String()))); err != nil {
			return err
		}
	}
	return nil
}

// tame keeps what a name or a damaged log may hold from a terminal.
func tame(r rune) rune {
	if r == '\n' || unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// homeless leaves out the user's home, also as the log and links write it: a user
// is often called like the person.
func homeless(s string) string {
	home, err := os.UserHomeDir()
	if err != nil || len(home) <= 1 {
		return s
	}
	return strings.NewReplacer(strings.ReplaceAll(home, `\`, `\\`), "~", home, "~", filepath.ToSlash(home), "~").Replace(s)
}

func (d *diagnosis) computer(_ context.Context, w io.Writer) error {
	commit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	fmt.Fprintf(w, "fils %s, commit %s, %s, %s/%s\n", d.meta.Details.Version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	_, err := fmt.Fprintf(w, "its clock says %s, %s\n", d.now.UTC().Format(time.RFC3339), d.now.Format("UTC-07:00"))
	return err
}

func (d *diagnosis) files(_ context.Context, w io.Writer) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			fmt.Fprintln(w, oneLine(e.Name()), oneLine(err.Error()))
			continue
		}
		fmt.Fprintf(w, "%s %12d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.RFC3339), oneLine(e.Name()))
	}
	if free, ok := sqlite.FreeSpace(d.dir); ok {
		fmt.Fprintf(w, "%d MiB free\n", free>>20)
	}
	return nil
}

func (d *diagnosis) settings(_ context.Context, w io.Writer) error {
	if d.training {
		_, err := fmt.Fprintln(w, "training needs none")
		return err
	}
	s, err := setup.ReadSettings(d.dir)
	if err != nil {
		return err
	}
	prints, err := s.KeyPrints()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "gateway %s (%s), Partner-Id %s, store %s, terminal %s\n", s.Host, s.Environment, s.Partner, s.Store, s.Terminal)
	fmt.Fprintf(w, "a customer has %v to pay, a business day ends %v after midnight, the till locks after %v\n", s.Window, s.CutOff, s.LockAfter)
	fmt.Fprintln(w, "public key of this merchant, SHA-256:", s.Fingerprint)
	for _, print := range prints {
		fmt.Fprintln(w, "PayBy's public key, SHA-256:", print)
	}
	if r := s.Relay; r != nil {
		fmt.Fprintf(w, "relay %s, merchant %s, till %s, own authority: %v\n", r.URL, r.Merchant, r.Till, r.Authority != "")
	} else {
		fmt.Fprintln(w, "no relay: results come by asking only")
	}
	_, err = fmt.Fprintln(w, "backup folder:", cmp.Or(s.Backup, "none"))
	return err
}

func (d *diagnosis) journal(ctx context.Context, w io.Writer) error {
	return verifyJournal(ctx, d.records, nil, console{out: w})
}

func (d *diagnosis) open(ctx context.Context, w io.Writer) error {
	if err := haveJournal(d.path()); err != nil {
		return err
	}
	j, err := openReading(ctx, d.path())
	if err != nil {
		return err
	}
	defer j.Close()
	l, err := j.Load(ctx)
	if err != nil {
		return err
	}
	states := map[string]int{}
	for i := range l.Sales {
		states["sales "+string(l.Sales[i].State)]++
	}
	for i := range l.Refunds {
		states["refunds "+string(l.Refunds[i].State)]++
	}
	states["refunds that wait for approval"] = len(l.Proposals)
	states["messages kept unread"] = len(l.Unread)
	for _, state := range slices.Sorted(maps.Keys(states)) {
		fmt.Fprintf(w, "%s: %d\n", state, states[state])
	}
	if err := d.alerts(w, l.Alerts); err != nil {
		return err
	}
	return d.shift(w, l.Shift)
}

// alerts tells the newest, which come first.
func (d *diagnosis) alerts(w io.Writer, list []pos.Alert) error {
	for _, a := range list[:min(len(list), diagnoseAlerts)] {
		fmt.Fprintf(w, "alert %s of %s: sale %s, refund %s, PayBy's number %s, code %s, trace %s\n", a.Kind, a.At.UTC().Format(time.RFC3339),
			cmp.Or(string(a.Sale), "-"), cmp.Or(string(a.Refund), "-"), cmp.Or(a.Number, "-"), cmp.Or(a.Code, "-"), cmp.Or(a.Trace, "-"))
	}
	if more := len(list) - diagnoseAlerts; more > 0 {
		fmt.Fprintln(w, "and", more, "older alerts")
	}
	return nil
}

func (d *diagnosis) shift(w io.Writer, s pos.Shift) (err error) {
	switch {
	case s.Number == 0:
		_, err = fmt.Fprintln(w, "no shift so far")
	case s.ClosedAt.IsZero():
		_, err = fmt.Fprintf(w, "shift %d is open since %s\n", s.Number, s.OpenedAt.UTC().Format(time.RFC3339))
	default:
		_, err = fmt.Fprintf(w, "shift %d, the last, was closed at %s\n", s.Number, s.ClosedAt.UTC().Format(time.RFC3339))
	}
	return err
}

// log tells the last lines, also those of a log that was put aside. The till
// wrote them through [setup.Redact].
func (d *diagnosis) log(_ context.Context, w io.Writer) error {
	var lines []string
	for _, name := range []string{setup.LogName + ".1", setup.LogName} {
		more, err := tail(filepath.Join(d.dir, name))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		lines = append(lines, more...)
	}
	if len(lines) == 0 {
		lines = []string{"there is none"}
	}
	for _, line := range lines[max(0, len(lines)-diagnoseLines):] {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// tail is the lines at a file's end.
func tail(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	text := make([]byte, min(info.Size(), diagnoseLog))
	// The till may write on, or begin a new file.
	n, err := file.ReadAt(text, info.Size()-int64(len(text)))
	if err != nil && err != io.EOF {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(text[:n]), "\r\n", "\n"), "\n"), "\n")
	if info.Size() > diagnoseLog || n == 0 {
		lines = lines[1:] // the first is not whole, or there is none
	}
	return lines, nil
}
