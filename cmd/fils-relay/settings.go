package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pelletier/go-toml/v2"
)

const envPrefix = "FILS_RELAY_"

// settings is what the program runs with. Sources, later ones win: the default,
// the file, the environment, the command line.
type settings struct {
	config string

	listen, publicURL  string
	data               string
	memory             bool
	nats, natsCreds    string
	replicas           int
	prefix             string
	maxSize, maxAge    string
	tlsCert, tlsKey    string
	tlsCA              string
	acmeDomain         string
	acmeEmail, acmeDir string
	acmeDirectory      string
	behindProxy        bool
	trustedProxy       string
	adminListen        string
	adminToken         string
	metricsListen      string
	metricsPerTill     bool
	drainDelay         time.Duration
	maxConnections     int
	verbose            bool
	key                list   // of merchant add and remove
	succeeds           string // of till add
	source             map[string]string
	bytes              int64         // maxSize
	age                time.Duration // maxAge
	trusted            []netip.Prefix
	guests             int // connections that are no till's, by the memory there is
	flags              *flag.FlagSet
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// ofCommand are flags that belong to one command and are no settings.
var ofCommand = []string{"config", "key", "succeeds"}

func (s *settings) define() {
	f := flag.NewFlagSet("fils-relay", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&s.config, "config", "", "settings file (TOML)")
	f.StringVar(&s.listen, "listen", "127.0.0.1:8480", "where PayBy and tills come in")
	f.StringVar(&s.publicURL, "public-url", "", "how PayBy and tills reach this relay, like https://relay.example")
	f.StringVar(&s.data, "data", "", "directory for notifications, merchants and tills; one relay only")
	f.BoolVar(&s.memory, "memory", false, "keep everything in memory and lose it at the end: for trials")
	f.StringVar(&s.nats, "nats", "", "servers of a NATS cluster instead of --data, like nats://a:4222,nats://b:4222")
	f.StringVar(&s.natsCreds, "nats-creds", "", "credentials file for the cluster")
	f.IntVar(&s.replicas, "replicas", 3, "servers of the cluster that keep each notification")
	f.StringVar(&s.prefix, "prefix", "fils", "what subjects and names in NATS begin with")
	f.StringVar(&s.maxSize, "max-size", "4GiB", "notifications kept at most; a full relay takes no more")
	f.StringVar(&s.maxAge, "max-age", "720h", "how long notifications are kept")
	f.StringVar(&s.tlsCert, "tls-cert", "", "certificate chain, PEM; read again when it changes")
	f.StringVar(&s.tlsKey, "tls-key", "", "its key, PEM")
	f.StringVar(&s.tlsCA, "tls-ca", "", "certificate of your own authority, PEM; pairing codes then name it to the tills")
	f.StringVar(&s.acmeDomain, "acme-domain", "", "get certificates for these names from an ACME authority, whose terms you accept by this")
	f.StringVar(&s.acmeEmail, "acme-email", "", "whom the authority may write to")
	f.StringVar(&s.acmeDir, "acme-dir", "", "where certificates are kept (default DATA/acme)")
	f.StringVar(&s.acmeDirectory, "acme-directory", "", "the authority's directory URL (default Let's Encrypt)")
	f.BoolVar(&s.behindProxy, "behind-proxy", false, "listen without TLS on other than loopback addresses, because a proxy in front does it")
	f.StringVar(&s.trustedProxy, "trusted-proxy", "", "networks whose X-Forwarded-For is believed (default loopback, when listening on it)")
	f.StringVar(&s.adminListen, "admin-listen", "127.0.0.1:8481", "where the commands merchant and till are served; not for the public")
	f.StringVar(&s.adminToken, "admin-token-file", "", "file with the token for them, made when missing (default DATA/admin.token)")
	f.StringVar(&s.metricsListen, "metrics-listen", "", "where /metrics is served (default: beside the admin commands)")
	f.BoolVar(&s.metricsPerTill, "metrics-per-till", true, "when each till was last connected, one series for each")
	f.DurationVar(&s.drainDelay, "drain-delay", 0, "how long /readyz says no before tills are sent elsewhere")
	f.IntVar(&s.maxConnections, "max-connections", 50000, "connections at a time; when all are taken, the quietest that is no till's is closed for the next")
	f.BoolVar(&s.verbose, "verbose", false, "log more")
	f.Var(&s.key, "key", "")
	f.StringVar(&s.succeeds, "succeeds", "", "")
	s.flags = f
}

// load reads the command line, the environment and the file. The words that are
// no flags are returned.
func load(args []string, env func(string) (string, bool)) (*settings, []string, error) {
	s := &settings{source: map[string]string{}}
	s.define()
	var words []string
	for {
		if err := s.flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, nil, err
		} else if err != nil {
			return nil, nil, fmt.Errorf("%w; %w", err, errUsage)
		}
		if s.flags.NArg() == 0 {
			break
		}
		words = append(words, s.flags.Arg(0))
		args = s.flags.Args()[1:]
	}
	s.flags.Visit(func(f *flag.Flag) { s.source[f.Name] = "command line" })
	var bad error
	s.flags.VisitAll(func(f *flag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := env(name)
		if !ok || s.source[f.Name] != "" || slices.Contains(ofCommand[1:], f.Name) {
			return
		}
		if err := s.flags.Set(f.Name, value); err != nil && bad == nil {
			bad = fmt.Errorf("variable %s: %q is not usable; %w", name, value, errUsage)
		}
		s.source[f.Name] = name
	})
	if bad == nil && s.config != "" {
		bad = s.readFile()
	}
	return s, words, bad
}

// readFile takes settings from the file. A misspelt one is an error, because
// what is silently left out is missed when it is too late.
func (s *settings) readFile() error {
	data, err := os.ReadFile(s.config)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--config: there is no file %s; give its whole path", s.config)
	}
	if err != nil {
		return fmt.Errorf("--config: %w", withAdvice(err))
	}
	var values map[string]any
	if err := toml.NewDecoder(bytes.NewReader(data)).Decode(&values); err != nil {
		var syntax *toml.DecodeError
		if errors.As(err, &syntax) {
			row, column := syntax.Position()
			return fmt.Errorf("settings %s line %d column %d: %w", s.config, row, column, err)
		}
		return fmt.Errorf("settings %s: %w", s.config, err)
	}
	for name, value := range values {
		if s.flags.Lookup(name) == nil || slices.Contains(ofCommand, name) {
			return fmt.Errorf("settings %s: there is no setting %q", s.config, name)
		}
		if s.source[name] != "" {
			continue
		}
		var texts []string
		if several, ok := value.([]any); ok {
			for _, v := range several {
				texts = append(texts, fmt.Sprint(v))
			}
		} else {
			texts = append(texts, fmt.Sprint(value))
		}
		if err := s.flags.Set(name, strings.Join(texts, ",")); err != nil {
			return fmt.Errorf("settings %s: %s: %q is not usable", s.config, name, strings.Join(texts, ","))
		}
		s.source[name] = s.config
	}
	return nil
}

// check completes what serve needs, and refuses what contradicts.
func (s *settings) check() error {
	host, _, err := net.SplitHostPort(s.listen)
	stores := 0
	for _, given := range []bool{s.data != "", s.nats != "", s.memory} {
		if given {
			stores++
		}
	}
	switch {
	case stores != 1:
		return errors.New("say where notifications are kept: --data DIR, or --nats URLS, or --memory")
	case err != nil:
		return fmt.Errorf("--listen %q is not HOST:PORT", s.listen)
	case (s.tlsCert == "") != (s.tlsKey == ""):
		return errors.New("--tls-cert and --tls-key belong together")
	case s.tlsCert != "" && s.acmeDomain != "":
		return errors.New("give --tls-cert or --acme-domain, not both")
	case s.acmeDomain != "" && s.acmeDir == "" && s.data == "":
		return errors.New("--acme-dir is required, because there is no --data for the certificates")
	case s.tls() && s.behindProxy:
		return errors.New("--behind-proxy means that the proxy does TLS; leave out --tls-cert, --tls-key and --acme-domain")
	case !s.tls() && !s.behindProxy && !loopback(host):
		return errors.New("without TLS only a loopback address is listened on; give --tls-cert and --tls-key, --acme-domain, or --behind-proxy")
	case s.publicURL == "" && !loopback(host):
		return errors.New("--public-url is required: pairing codes and notification addresses are made of it")
	case s.publicURL != "" && !usablePublic(s.publicURL):
		return errors.New("--public-url must look like https://relay.example; http:// is for loopback only")
	case s.maxConnections < 1 || s.drainDelay < 0:
		return errors.New("--max-connections or --drain-delay is out of range")
	}
	if s.bytes, err = parseSize(s.maxSize); err != nil {
		return err
	}
	if s.age, err = time.ParseDuration(s.maxAge); err != nil {
		return fmt.Errorf("--max-age %q is not a duration like 720h", s.maxAge)
	}
	if _, err = parseServers(s.nats); err != nil {
		return err
	}
	if s.trusted, err = parsePrefixes(s.trustedProxy); err != nil {
		return err
	}
	if s.trusted == nil && loopback(host) {
		s.trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	if s.acmeDir == "" && s.data != "" {
		s.acmeDir = filepath.Join(s.data, "acme")
	}
	return nil
}

func (s *settings) tls() bool { return s.tlsCert != "" || s.acmeDomain != "" }

// tokenFile is where the token of the admin commands lies; "" means nowhere.
func (s *settings) tokenFile() string {
	if s.adminToken == "" && s.data != "" {
		return filepath.Join(s.data, "admin.token")
	}
	return s.adminToken
}

// usablePublic tells whether PayBy and tills can be sent to this address.
func usablePublic(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func parsePrefixes(text string) (prefixes []netip.Prefix, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxy %q must look like 10.0.0.0/8", part)
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, nil
}

// parseServers reads the URLs of a cluster's servers; the scheme may be left out.
// Its error quotes nothing, for they can hold a password.
func parseServers(text string) (servers []*url.URL, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if !strings.Contains(part, "://") {
			part = "nats://" + part
		}
		u, err := url.Parse(part)
		if err != nil || u.Hostname() == "" {
			return nil, errors.New("--nats must look like nats://a:4222,nats://b:4222; characters like @ and / in a password are written as %40 and %2F")
		}
		servers = append(servers, u)
	}
	return servers, nil
}

// withoutPasswords shows which servers are meant, but not who they let in.
func withoutPasswords(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	servers, err := parseServers(text)
	if err != nil {
		return "•••"
	}
	var shown []string
	for _, u := range servers {
		user := ""
		if u.User != nil {
			user = "•••@"
		}
		shown = append(shown, u.Scheme+"://"+user+u.Host)
	}
	return strings.Join(shown, ",")
}

// parseSize reads sizes like 512MiB.
func parseSize(text string) (int64, error) {
	units := []struct {
		name  string
		bytes int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"", 1}}
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64); ok && err == nil && n > 0 && n <= (1<<50)/u.bytes {
			return n * u.bytes, nil
		}
	}
	return 0, fmt.Errorf("--max-size %q must look like 4GiB", text)
}

// print lists every setting with its source, as lines that --config takes.
// Secrets lie in files, but the URLs of a cluster can hold a password.
func (s *settings) print() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	s.flags.VisitAll(func(f *flag.Flag) {
		if slices.Contains(ofCommand, f.Name) {
			return
		}
		source := s.source[f.Name]
		if source == "" {
			source = "default"
		}
		value := f.Value.String()
		if f.Name == "nats" {
			value = withoutPasswords(value)
		}
		fmt.Fprintf(table, "%s = %q\t# %s\n", f.Name, value, source)
	})
	table.Flush()
	return b.String()
}

// describe lists the settings for help.
func describe() string {
	s := &settings{}
	s.define()
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 2, 0, 2, ' ', 0)
	s.flags.VisitAll(func(f *flag.Flag) {
		if f.Usage == "" {
			return
		}
		text := f.Usage
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0s" {
			text += " (" + f.DefValue + ")"
		}
		fmt.Fprintf(table, "  --%s\t%s\n", f.Name, text)
	})
	table.Flush()
	return b.String()
}
