package relay

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Version is the protocol version that this package speaks; every message
// carries it.
const Version = 1

// StreamPath is where the till opens its websocket, below the relay's URL.
const StreamPath = "/v1/stream"

// NotifyPath begins the path of the URL that PayBy calls; see NotifyURL.
const NotifyPath = "/n/"

// AfterParam is the query parameter of StreamPath that carries the cursor.
const AfterParam = "after"

// InstallationHeader names the installation of the till's software that
// connects. Two installations cannot share one till at the same time.
const InstallationHeader = "Fils-Installation"

// RelayHeader is on every answer of a relay, with the protocol version, so that a
// till can tell a relay's refusal from that of a portal or proxy in between.
const RelayHeader = "Fils-Relay"

// Limits that both ends keep.
const (
	// MaxBody is the largest notification body, in bytes, that a relay takes.
	MaxBody = 64 << 10
	// MaxSign is the longest signature header, in bytes, that a relay takes.
	MaxSign = 4 << 10
	// MaxCursor is the longest cursor in bytes.
	MaxCursor = 256
	// MaxFrame is the largest websocket message in bytes: a Base64 body of
	// MaxBody, a signature, a cursor and room for later members.
	MaxFrame = 256 << 10
)

// Heartbeat of the connection, both directions.
const (
	// PingEvery is how often the relay pings a till.
	PingEvery = 20 * time.Second
	// DeadAfter is how long either end waits for any sign of life from the
	// other before it gives the connection up.
	DeadAfter = 50 * time.Second
)

// Types of Message. A till ignores types that it does not know.
const (
	// TypeHello is the first message of every connection.
	TypeHello = "hello"
	// TypeNotice carries one notification.
	TypeNotice = "notice"
	// TypeLive says once per connection that everything stored before the
	// connection was opened has been sent.
	TypeLive = "live"
)

// Close codes of the websocket, besides the standard ones. CloseGoElsewhere is
// the standard "service restart".
const (
	// CloseGoElsewhere asks the till to connect again soon: this node drains,
	// or its store was rebuilt.
	CloseGoElsewhere = 1012
	// CloseRevoked says that the token is no longer valid.
	CloseRevoked = 4001
	// CloseReplaced says that a newer connection of the same installation took over.
	CloseReplaced = 4002
	// CloseOccupied says that another installation is connected as this till.
	CloseOccupied = 4003
	// CloseSlow says that the till did not read or answer in time.
	CloseSlow = 4004
)

// Message is one websocket text message from relay to till, as JSON. A till
// sends no messages, only the websocket's control frames.
type Message struct {
	V    int    `json:"v"`
	Type string `json:"type"`

	// Hello: who the relay takes the till for, whether it continues after the
	// cursor it was given (false: it sends everything it keeps), and the
	// relay's clock in ms UTC.
	Merchant string `json:"merchant,omitempty"`
	Till     string `json:"till,omitempty"`
	Resumed  bool   `json:"resumed,omitempty"`
	NowMS    int64  `json:"now_ms,omitempty"`

	// Notice: the till's place after this message, when the relay received the
	// notification (ms UTC, the relay's clock), the Sign header and the exact
	// body bytes (Base64 in JSON).
	Cursor     string `json:"cursor,omitempty"`
	ReceivedMS int64  `json:"received_ms,omitempty"`
	Sign       string `json:"sign,omitempty"`
	Body       []byte `json:"body,omitempty"`
}

// Encode returns m as the text of one websocket message.
func (m Message) Encode() ([]byte, error) {
	m.V = Version
	return json.Marshal(m)
}

// decodeMessage reads one websocket message. Its errors never quote the
// message.
func decodeMessage(data []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(data, &m); err != nil {
		return Message{}, fmt.Errorf("message is not the expected JSON")
	}
	if m.V != Version {
		return Message{}, fmt.Errorf("message of version %d, this till speaks %d", m.V, Version)
	}
	if m.Type == TypeHello && (!ValidID(m.Merchant) || !ValidID(m.Till)) {
		return Message{}, fmt.Errorf("hello without a merchant and a till")
	}
	if m.Type == TypeNotice && (m.Cursor == "" || len(m.Cursor) > MaxCursor || len(m.Body) > MaxBody) {
		return Message{}, fmt.Errorf("notice without a usable cursor or over the size limit")
	}
	return m, nil
}

// ValidID tells whether id may name a merchant or a till: 1 to 32 characters
// of A–Z, a–z, 0–9, "_" and "-".
func ValidID(id string) bool { return plain(id, 32) }

// ValidInstallation tells whether id may name an installation: 1 to 64
// characters of the same set as ValidID.
func ValidInstallation(id string) bool { return plain(id, 64) }

func plain(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// NotifyURL returns the notifyUrl that a till puts into its orders, for a relay
// reached by PayBy at publicURL (https, or http on loopback).
func NotifyURL(publicURL, merchant, till string) (string, error) {
	if !ValidID(merchant) || !ValidID(till) {
		return "", fmt.Errorf("relay: merchant and till ids are 1 to 32 letters, digits, _ or -")
	}
	if !strings.HasPrefix(publicURL, "https://") && !strings.HasPrefix(publicURL, "http://") {
		return "", fmt.Errorf("relay: the public URL must begin with https://")
	}
	return strings.TrimRight(publicURL, "/") + NotifyPath + merchant + "/" + till, nil
}
