package payby

import (
	"slices"
	"strings"
	"testing"
)

var allOperations = []Operation{
	OpCreate, OpGet, OpCancel, OpRevoke, OpExpiry, OpCashierURL, OpPayer, OpRefund, OpRefundQuery,
	OpOrderPage, OpRefundPage, OpStatement, OpFundStatement, OpInvoice, OpEcho,
}

func TestCodeTableIsWhole(t *testing.T) {
	lines := strings.Count(strings.TrimSpace(codesTSV), "\n")
	if got := len(codeTable()); got != lines || got < 80 {
		t.Fatalf("%d rows read of %d", got, lines)
	}
	classes := []Class{ClassOK, ClassCallerBug, ClassRetry, ClassQueryFirst, ClassBusiness, ClassFinal, ClassConfig}
	known := map[string]bool{"all": true}
	for _, op := range allOperations {
		known[string(op)] = true
	}
	for _, r := range codeTable() {
		if !slices.Contains(classes, r.class) {
			t.Errorf("%s %s: unknown class %q", r.code, r.message, r.class)
		}
		if r.code == "" || r.message == "" || r.meaning == "" {
			t.Errorf("%+v: an empty column", r)
		}
		for name := range strings.SplitSeq(r.operations, ",") {
			if !known[name] {
				t.Errorf("%s %s: unknown operation %q", r.code, r.message, name)
			}
		}
	}
}

// Every row has to be what Classify answers for its own code and operations.
func TestClassifyFollowsEveryRow(t *testing.T) {
	for _, r := range codeTable() {
		if r.code == codeSuccess {
			continue
		}
		for _, op := range allOperations {
			if r.operations != "all" && !slices.Contains(strings.Split(r.operations, ","), string(op)) {
				continue
			}
			status, code := "SUCCESS", r.code
			switch r.code {
			case "58*":
				code = "58001"
			case "(any)":
				status, code = "ERROR", "12345"
			case "(unknown)":
				code = "69999"
			}
			if got := Classify(op, status, code, r.message); got != r.class {
				t.Errorf("%s %s on %s: %s, want %s", r.code, r.message, op, got, r.class)
			}
		}
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		op           Operation
		status, code string
		want         Class
	}{
		{OpCreate, "SUCCESS", "0", ClassOK},
		{OpCreate, "success", "0", ClassOK},
		{OpCreate, "FAIL", "0", ClassQueryFirst},
		{OpGet, "FAIL", "0", ClassRetry},
		{OpCreate, "", "0", ClassQueryFirst},
		{OpCreate, "SUCCESS", "", ClassQueryFirst},
		{OpCreate, "SUCCESS", "00", ClassQueryFirst},
		{OpCreate, "SUCCESS", "-0", ClassQueryFirst},
		{OpCreate, "SUCCESS", "0.0", ClassQueryFirst},
		{OpCreate, "SUCCESS", " 0", ClassQueryFirst},
		{OpCreate, "ERROR", "0", ClassConfig},
		{OpCancel, "error", "58001", ClassConfig},
		{OpCancel, "FAILED", "500", ClassQueryFirst},
		{OpGet, "FAIL", "500", ClassRetry},
		{OpCreate, "SUCCESS", "62001", ClassQueryFirst},
		{OpCancel, "SUCCESS", "62001", ClassQueryFirst},
		{OpRefund, "SUCCESS", "62001", ClassQueryFirst}, // not listed there
		{OpCreate, "SUCCESS", "62002", ClassFinal},
		{OpCancel, "SUCCESS", "62002", ClassQueryFirst},
		{OpRefund, "SUCCESS", "62002", ClassFinal},
		{OpGet, "SUCCESS", "62002", ClassRetry}, // not listed there
		{OpCreate, "SUCCESS", "62016", ClassQueryFirst},
		{OpRefund, "SUCCESS", "62007", ClassQueryFirst},
		{OpRefund, "SUCCESS", "62004", ClassCallerBug},
		{OpGet, "SUCCESS", "(unknown)", ClassRetry},
		{OpCreate, "SUCCESS", "(any)", ClassQueryFirst},
		{OpCreate, "SUCCESS", "580", ClassConfig},
		{"something-new", "SUCCESS", "77777", ClassQueryFirst},
		{OpFundStatement, "SUCCESS", "62013", ClassRetry},
	} {
		if got := Classify(c.op, c.status, c.code, ""); got != c.want {
			t.Errorf("%s %s %q: %s, want %s", c.op, c.status, c.code, got, c.want)
		}
	}
}

func TestEveryOperationHasItsPath(t *testing.T) {
	seen := map[string]Operation{}
	for _, op := range allOperations {
		path := op.Path()
		if !strings.HasPrefix(path, "/") || seen[path] != "" {
			t.Errorf("%s: path %q, also of %q", op, path, seen[path])
		}
		seen[path] = op
	}
	if Operation("other").Path() != "" {
		t.Error("an unknown operation has a path")
	}
	for _, op := range []Operation{OpCreate, OpCancel, OpRevoke, OpRefund, OpExpiry, "other"} {
		if !op.Writes() {
			t.Errorf("%s counts as a read", op)
		}
	}
	for _, op := range []Operation{OpGet, OpRefundQuery} {
		if op.Writes() {
			t.Errorf("%s counts as a write", op)
		}
	}
}
