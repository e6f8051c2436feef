package fils

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/filspos/fils/cmd/fils/certify"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

const certifyUsage = `fils certify runs PayBy's acceptance cases 001 to 009 with the till's own engine, or
judges sales of the journal by them, and writes certify.html and certify.json.

  fils certify --sandbox [--out DIR]
                           against a practice PayBy in this process; takes ten minutes
  fils certify --uat [--data DIR] [--out DIR] [--amount AED] [--password-amount AED]
                           against the account in the till's settings; somebody
                           with the app scans the codes that appear in the terminal
  fils certify --from-journal [--data DIR] [--training] [--sale NUMBER …] [--since YYYY-MM-DD]
                           judge sales that were made on the screen

  --out DIR                where the report goes (default certify)
  --cases 001,005          only these
  --silent                 what fails gives no answer, instead of SYSTEM_ERROR
  --amount AED             for cases without a password (default 1.00)
  --password-amount AED    for cases with one, 500.00 or more (default 500.00)
  --i-know-this-takes-real-money
                           run against PayBy's production system
  --by MEMBER, --pin-file FILE, --passphrase-file FILE
                           as in fils help

Exit codes: 0 every case that was run passed, 1 one did not, 2 wrong command
line.
`

// certifyOptions are one command line of certify.
type certifyOptions struct {
	records
	meta                          meta
	sandbox, account, fromJournal bool
	out                           string
	cases                         []string
	silent, realMoney             bool
	amount, password              pos.Fils
	sales                         []pos.SaleNo
	since                         time.Time
	// patience is how long a journal that lacks something is waited for.
	patience time.Duration

	// As they were typed.
	amountText, passwordText, sinceText, caseText string
}

func parseCertify(ctx context.Context, args []string, c console, m meta) error {
	f := newFlags()
	o := certifyOptions{meta: m, patience: 20 * time.Minute}
	data := f.dataFlag()
	f.BoolVar(&o.sandbox, "sandbox", false, "")
	f.BoolVar(&o.account, "uat", false, "")
	f.BoolVar(&o.fromJournal, "from-journal", false, "")
	f.BoolVar(&o.training, "training", false, "")
	f.BoolVar(&o.silent, "silent", false, "")
	f.BoolVar(&o.realMoney, "i-know-this-takes-real-money", false, "")
	f.StringVar(&o.out, "out", "certify", "")
	f.StringVar(&o.by, "by", "", "")
	f.StringVar(&o.pinFile, "pin-file", "", "")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "")
	f.StringVar(&o.caseText, "cases", "", "")
	f.StringVar(&o.amountText, "amount", "1.00", "")
	f.StringVar(&o.passwordText, "password-amount", "500.00", "")
	f.StringVar(&o.sinceText, "since", "", "")
	f.Func("sale", "", func(s string) error {
		o.sales = append(o.sales, pos.SaleNo(s))
		return nil
	})
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			_, err := fmt.Fprint(c.out, certifyUsage)
			return err
		}
	}
	if done, err := f.parse(args, c); done || err != nil {
		return err
	}
	if err := o.read(); err != nil {
		return err
	}
	if o.sandbox {
		return o.runSandbox(ctx, c)
	}
	var err error
	if o.dir, err = data(); err != nil {
		return err
	}
	if o.account {
		return o.runAccount(ctx, c)
	}
	return o.runJournal(ctx, c)
}

// read turns what was typed into values.
func (o *certifyOptions) read() (err error) {
	if o.amount, err = pos.ParseAmount(o.amountText); err != nil {
		return badUsage("--amount %s is not an amount in dirhams, such as 1.00", quoted(o.amountText))
	}
	if o.password, err = pos.ParseAmount(o.passwordText); err != nil || o.password < certify.PasswordFrom {
		return badUsage("--password-amount %s: the app asks for a password from %s dirhams", quoted(o.passwordText), certify.PasswordFrom)
	}
	if o.sinceText != "" {
		if o.since, err = time.ParseInLocation("2006-01-02", o.sinceText, setup.Location()); err != nil {
			return badUsage("--since %s is not a day, such as 2026-11-23", quoted(o.sinceText))
		}
	}
	o.cases = strings.FieldsFunc(o.caseText, func(r rune) bool { return r == ',' || r == ' ' })
	for _, id := range o.cases {
		if !certify.Known(id) {
			return badUsage("there is no case %s; there are 001 to 009", quoted(id))
		}
	}
	return o.check()
}

func (o certifyOptions) check() error {
	modes := 0
	for _, on := range []bool{o.sandbox, o.account, o.fromJournal} {
		if on {
			modes++
		}
	}
	switch {
	case modes != 1:
		return badUsage("certify needs one of --sandbox, --uat and --from-journal")
	case o.out == "":
		return badUsage("--out is empty; write a directory")
	case !o.fromJournal && (o.training || len(o.sales) > 0 || !o.since.IsZero()):
		return badUsage("--training, --sale and --since belong to --from-journal")
	case o.fromJournal && (o.silent || len(o.cases) > 0):
		return badUsage("--silent and --cases belong to --sandbox and --uat")
	}
	return nil
}

// say prints progress with the time of day.
func say(c console) func(string) {
	return func(line string) { fmt.Fprintln(c.out, time.Now().Format("15:04:05"), line) }
}

// finish writes the report and turns its verdict into an exit code.
func (o certifyOptions) finish(r *certify.Report, c console) error {
	r.Finish()
	paths, err := r.Write(o.out)
	if err != nil {
		return err
	}
	for _, k := range r.Cases {
		for _, f := range k.Findings {
			if f.Result == certify.Fail {
				fmt.Fprintf(c.out, "case %s fails: %s: %s\n", k.ID, f.Rule, f.Measured)
			}
		}
	}
	fmt.Fprintf(c.out, "%s: %s\nreport: %s\n", r.Verdict, r.Summary, strings.Join(paths, ", "))
	if !r.Good() {
		return &failure{exitFailed, "certification not passed: " + r.Summary}
	}
	return nil
}

func (o certifyOptions) runSandbox(ctx context.Context, c console) error {
	r, err := certify.RunSandbox(ctx, o.meta.Details.Version, slog.New(slog.DiscardHandler), func(s *certify.Session) {
		s.Say, s.Cases, s.Silent = say(c), o.cases, o.silent
	})
	if err != nil {
		return err
	}
	return o.finish(r, c)
}

func (o certifyOptions) runJournal(ctx context.Context, c console) error {
	if err := haveJournal(o.path()); err != nil {
		return err
	}
	if err := o.pass(ctx, c, pos.PermitExport, "certify --from-journal"); err != nil {
		return err
	}
	j, err := sqlite.Open(ctx, o.path(), sqlite.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer j.Close()
	loaded, err := j.Load(ctx)
	if err != nil {
		return err
	}
	r := o.report("Judged from the journal of the till", "as they happened; none were injected")
	if b := loaded.Binding; b != nil {
		r.Environment, r.Host, r.Partner = b.Environment, b.Host, certify.MaskPartner(b.Partner)
	}
	if r.Cases, err = certify.FromJournal(ctx, j, o.sales, o.since); err != nil {
		return err
	}
	if settings, err := setup.ReadSettings(o.dir); err == nil && !o.training {
		describeTill(r, settings)
	}
	return o.finish(r, c)
}

func (o certifyOptions) report(source, faults string) *certify.Report {
	return &certify.Report{
		Program: "Fils", Version: o.meta.Details.Version, Made: time.Now().UTC().Truncate(time.Second),
		Source: source, Relay: "none", Faults: faults,
	}
}

func describeTill(r *certify.Report, s *setup.Settings) {
	r.Environment, r.Host, r.Partner = s.Environment, s.Host, certify.MaskPartner(s.Partner)
	r.Store, r.Till, r.Window = s.Store, s.Terminal, certify.Span(s.Window)
	if s.Relay != nil {
		r.Relay = s.Relay.URL
	}
}

// runAccount plays the cases on the till's own journal, so that every order
// and payment of the run is where the till's others are.
func (o certifyOptions) runAccount(ctx context.Context, c console) error {
	settings, err := setup.ReadSettings(o.dir)
	if err != nil {
		return err
	}
	if settings.Mode() == pos.ModeProduction && !o.realMoney {
		return badUsage("%s is PayBy's production system, where the cases take real money; "+
			"write --i-know-this-takes-real-money if that is what you want", settings.Host)
	}
	lock, err := o.claim("close it first")
	if err != nil {
		return err
	}
	defer lock.Close()
	o.held = true
	if haveJournal(o.path()) == nil {
		if err := o.pass(ctx, c, pos.PermitExport, "certify --uat"); err != nil {
			return err
		}
	}
	s, session, err := o.openAccount(ctx, c)
	if err != nil {
		return err
	}
	if err := recovered(ctx, s.till, o.patience, say(c)); err != nil {
		return errors.Join(err, s.close())
	}
	r := o.report("Run by fils certify, one case after the other", certify.OwnFaults)
	describeTill(r, settings)
	cases, err := session.Run(ctx)
	err = errors.Join(err, s.close())
	r.Cases = cases
	if err != nil && len(cases) == 0 {
		return err
	}
	return errors.Join(err, o.finish(r, c))
}

// recovered waits until a till has read from PayBy's pages what its journal
// lacks. Sales that are made before that belong to no run that can be judged.
func recovered(ctx context.Context, till *pos.Till, patience time.Duration, say func(string)) error {
	changes, stop := till.Changes()
	defer stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for told := false; slices.ContainsFunc(till.View().Alerts, isRecovering); told = true {
		if patience <= 0 {
			return errors.New("the journal lacks something and is still being read back from PayBy's pages; " +
				"open the till, wait until it says that this is done, and run certify again")
		}
		if !told {
			say("the journal may lack something; reading PayBy's pages first, which takes a minute for a new till and 16 or more for one that was put back")
		}
		select {
		case <-changes:
		case <-late.C:
			patience = 0
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func isRecovering(a pos.Alert) bool { return a.Kind == pos.AlertRecovering }

// openAccount is openStation with a bench between the till and PayBy.
func (o certifyOptions) openAccount(ctx context.Context, c console) (_ *station, _ *certify.Session, err error) {
	s := newStation(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	so := stationOptions{dir: o.dir, passphrase: passphrase(o.passphraseFile, c, false), log: slog.New(slog.DiscardHandler)}
	settings, secrets, binding, err := s.connection(ctx, so)
	if err != nil {
		return nil, nil, err
	}
	if s.journal, err = sqlite.Open(ctx, journalPath(o.dir, false), sqlite.Options{Log: so.log}); err != nil {
		return nil, nil, err
	}
	bench := certify.NewBench(time.Now)
	client := newClient(settings, secrets)
	client.HTTP = &http.Client{Transport: bench.Transport(client.HTTP.Transport), Timeout: client.HTTP.Timeout, CheckRedirect: client.HTTP.CheckRedirect}
	cfg, err := tillConfig(s.journal, settings, secrets, binding, so)
	if err != nil {
		return nil, nil, err
	}
	provider := gateway.New(client, gateway.Options{ChangePayer: settings.ChangePayer, HTTP: client.HTTP})
	cfg.Gateway, cfg.Archive = bench.Gateway(provider), provider
	if s.till, err = pos.New(ctx, cfg); err != nil {
		return nil, nil, err
	}
	s.inner.start(s.till.Run)
	if settings.Relay != nil {
		r, err := newRelay(s.till, bench.Deliver(s.till.Deliver), settings, secrets, so)
		if err != nil {
			return nil, nil, err
		}
		s.inner.start(r.Run)
	}
	session := &certify.Session{
		Bench: bench, Till: s.till, Journal: s.journal, Payer: &certify.Person{Out: c.out}, Now: time.Now,
		Window: settings.Window, Cashier: settings.Cashier, Amount: o.amount, PasswordAmount: o.password,
		Relay: settings.Relay != nil, Silent: o.silent, Cases: o.cases, Say: say(c),
	}
	if o.by != "" {
		session.Cashier = o.by
	}
	return s, session, nil
}
