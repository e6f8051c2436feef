package setup

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/filspos/fils/pos"
)

// Environments of the settings.
const (
	Production = "production"
	UAT        = "uat"
	Custom     = "custom"
)

// Hosts of PayBy (protocol.md §1). The first of a kind is the default.
const (
	productionHost = "https://api.payby.com"
	botimHost      = "https://api.botim.money"
	uatHost        = "https://uat.test2pay.com"
)

// basePath stands between every host and the operations (protocol.md §1).
const basePath = "/sgs/api"

func isProduction(host string) bool { return host == productionHost || host == botimHost }

func modeOf(host string) pos.Mode {
	if isProduction(host) {
		return pos.ModeProduction
	}
	return pos.ModeTest
}

// resolveHost returns the origin to call, without a path.
func resolveHost(environment, host string) (string, error) {
	const key = "host"
	switch environment {
	case Production:
		if host == "" {
			return productionHost, nil
		}
		if origin, ok := originOf(host); ok && isProduction(origin) {
			return origin, nil
		}
		return "", wrong(key, `this is not a production host of PayBy; leave the line out, or write environment = "custom"`)
	case UAT:
		if host == "" {
			return uatHost, nil
		}
		if origin, ok := originOf(host); ok && origin == uatHost {
			return origin, nil
		}
		return "", wrong(key, `this is not PayBy's UAT host; leave the line out, or write environment = "custom"`)
	case Custom:
		return customHost(host)
	case "":
		return "", wrong("environment", `this line is missing; write environment = "production", "uat" or "custom"`)
	}
	return "", wrong("environment", `there is no such environment; write "production", "uat" or "custom"`)
}

func customHost(host string) (string, error) {
	const key = "host"
	if host == "" {
		return "", wrong(key, `environment "custom" needs the gateway's address; write for example host = "https://gateway.example"`)
	}
	origin, ok := originOf(host)
	switch {
	case !ok:
		return "", wrong(key, `this is not an address; write scheme, host and port only, for example "https://gateway.example:8443"`)
	case isProduction(origin):
		return "", wrong(key, `this is a production host of PayBy; write environment = "production"`)
	case strings.HasPrefix(origin, "http://") && !loopback(origin):
		return "", wrong(key, "plain http is for this computer only; write an address that begins with https://")
	}
	return origin, nil
}

// originOf reads scheme://host[:port], in one spelling: lower case, no default
// port, no slash at the end. Settings and journals compare origins as text.
func originOf(text string) (string, bool) {
	u, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(text), "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" || u.User != nil ||
		u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Hostname() == "" {
		return "", false
	}
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.HasSuffix(u.Host, ":") || !plainHost(name) {
		return "", false
	}
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	switch {
	case port != "":
		name = net.JoinHostPort(name, port)
	case strings.Contains(name, ":"):
		name = "[" + name + "]"
	}
	return u.Scheme + "://" + name, true
}

func plainHost(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == ""
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return len(name) <= 253
}

// loopback reports an origin on this computer.
func loopback(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}
