package payby

import (
	_ "embed"
	"strings"
	"sync"
)

// Class says what a code asks of the caller.
type Class string

// The classes of the code table.
const (
	ClassOK         Class = "ok"
	ClassCallerBug  Class = "caller-bug"  // the request was wrong; the same one will not pass
	ClassRetry      Class = "retry"       // nothing happened; repeat after a pause
	ClassQueryFirst Class = "query-first" // unclear what happened; query before anything else
	ClassBusiness   Class = "business"    // refused for a reason the operator has to hear
	ClassFinal      Class = "final"       // this order or refund has ended
	ClassConfig     Class = "config"      // keys, account or whitelist; needs the portal or support
)

const codeSuccess = "0"

//go:embed codes.tsv
var codesTSV string

type codeRow struct {
	code, message, operations, meaning string
	class                              Class
}

var codeTable = sync.OnceValue(func() []codeRow {
	var rows []codeRow
	for i, line := range strings.Split(strings.TrimSpace(codesTSV), "\n") {
		f := strings.Split(strings.TrimSuffix(line, "\r"), "\t")
		if i == 0 || len(f) != 5 || f[0] == "" {
			continue
		}
		rows = append(rows, codeRow{f[0], f[1], f[2], f[3], Class(f[4])})
	}
	return rows
})

func (r codeRow) covers(op Operation) bool {
	if op == OpFundStatement || op == OpEcho {
		op = OpStatement // the table leaves these undocumented reads out
	}
	if r.operations == "all" {
		return true
	}
	for name := range strings.SplitSeq(r.operations, ",") {
		if name == string(op) {
			return true
		}
	}
	return false
}

// lookup finds the row of the code table for an answer to op: the one with the
// same message if several share the code.
func lookup(op Operation, code, msg string) (codeRow, bool) {
	var found codeRow
	ok := false
	for _, r := range codeTable() {
		if r.code[0] == '(' {
			continue // rules, not codes; Classify has them
		}
		prefix, family := strings.CutSuffix(r.code, "*")
		if code != r.code && !(family && strings.HasPrefix(code, prefix)) || !r.covers(op) {
			continue
		}
		if r.message == msg {
			return r, true
		}
		if !ok {
			found, ok = r, true
		}
	}
	return found, ok
}

// Classify says what the head of an answer to op asks of the caller, after the
// embedded code table. A code that the table does not know for this operation
// is ClassRetry on a read and ClassQueryFirst on a write. Only applyStatus
// SUCCESS in any case together with code 0 is ClassOK (protocol.md §3.2).
func Classify(op Operation, applyStatus, code, msg string) Class {
	switch {
	case strings.EqualFold(applyStatus, "ERROR"):
		return ClassConfig
	case code == codeSuccess:
		if strings.EqualFold(applyStatus, "SUCCESS") {
			return ClassOK
		}
		return unanswered(op)
	}
	if r, ok := lookup(op, code, msg); ok {
		return r.class
	}
	return unanswered(op)
}

// unanswered is the class of a call without a usable answer.
func unanswered(op Operation) Class {
	if op.Writes() {
		return ClassQueryFirst
	}
	return ClassRetry
}

// codeName names a code in the table's words, never in those of the answer.
func codeName(op Operation, code, msg string) string {
	if !shortNumber(code, 10) {
		return "unlisted code"
	}
	if op == OpInvoice && code == "400" && aboutRequestTime(msg) {
		return code + " (no invoice for that month, or the clock is off)"
	}
	if r, ok := lookup(op, code, msg); ok && r.message != "(any)" {
		return code + " " + r.message
	}
	return code
}
