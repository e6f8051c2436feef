package windowtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
)

// Event is one line of an exported journal, as far as the test reads it.
type Event struct {
	Seq    int64
	Kind   string
	Sale   string
	Refund string
	Data   struct {
		Order  *struct{ Source, Status string }
		Refund *struct{ Source, Status string }
		Intent *struct{ Amount int64 }
		Proof  string
		Z      *Z
	}
}

// Z is the sealed tally of a shift, as far as the test reads it. Amounts are
// fils.
type Z struct {
	Number int64
	Totals struct{ Own, Refunds struct{ Count, Amount int64 } }
	Check  *struct {
		Complete bool
		Missing  []json.RawMessage
	}
}

// ReadJournal reads exported lines and checks that they are numbered without
// a gap.
func ReadJournal(export []byte) ([]Event, error) {
	var events []Event
	lines := bufio.NewScanner(bytes.NewReader(export))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("exported line %d: %w", len(events)+1, err)
		}
		if e.Seq != int64(len(events)+1) {
			return nil, fmt.Errorf("exported line %d is event %d", len(events)+1, e.Seq)
		}
		events = append(events, e)
	}
	return events, lines.Err()
}

// InOrder reports an error unless events about sale have these kinds in this
// order; other events may lie between.
func InOrder(events []Event, sale string, kinds ...string) error {
	var seen []string
	at := 0
	for _, e := range events {
		if e.Sale != sale {
			continue
		}
		seen = append(seen, e.Kind)
		if at < len(kinds) && e.Kind == kinds[at] {
			at++
		}
	}
	if at < len(kinds) {
		return fmt.Errorf("sale %s lacks %s after %v; it has %v", sale, kinds[at], kinds[:at], seen)
	}
	return nil
}

// Find returns the events about sale of one kind.
func Find(events []Event, sale, kind string) []Event {
	var found []Event
	for _, e := range events {
		if e.Sale == sale && e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}
