package sandbox

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// inconsistencies lists the rows of protocol.md §16, what the gateway does about each, and
// the tests that hold it to that. Rows without a test are not the gateway's, or are about
// things that it does not play; why says which.
func inconsistencies() []struct {
	row        int
	topic, why string
	tests      string
} {
	return []struct {
		row        int
		topic, why string
		tests      string
	}{
		{1, "token container: body.interActionParams", "", "TestGateway_SaleFromCreateToPaid"},
		{2, "business errors are SUCCESS with a code", "", "TestWire_HeadsAndHeaders"},
		{3, "applyStatus in upper case", "", "TestWire_HeadsAndHeaders"},
		{4, "402 to 601 can come unsigned, 403 and 58001 do", "", "TestFaults_MadeUpAnswersCanBeBare TestAuth_UnknownPartnerIsForbidden"},
		{5, "placeholder 58001", "", "TestAuth_NothingIsAcceptedWithoutAGoodSignature"},
		{6, "any header spelling in, sign and Sign out", "", "TestWire_HeadsAndHeaders TestNotify_PaymentHasTheRealForm"},
		{7, "files without sign", "", "TestStatement_IsUnsignedAndNamed"},
		{8, "merchantOrderNo as a refund's number, lenient only", "", "TestRefund_FieldRules"},
		{9, "a refund's origin in originMerchantOrderNo, originOrderNo", "", "TestRefund_FieldRules TestRefund_ByPayByNumber"},
		{10, "refund notices: own URL else the order's; REFUNDED_SETTLED optional", "", "TestNotify_RefundsGoToTheirOwnURLElseTheOrders TestNotify_RefundsWithoutTheStepInBetween"},
		{11, "delay of refund SUCCESS configurable", "", "TestRefund_MovesWithTheClock"},
		{12, "reserved of a refund echoed", "", "TestPages_ItemsHaveTheMembersOfTheSamples"},
		{13, "lengths: above the larger never, above the newer not in strict mode", "", "TestCreate_FieldLimits TestRefund_FieldRules TestReference_FieldLimits"},
		{14, "revoked as text", "", "TestWire_HeadsAndHeaders"},
		{15, "revoked after any successful revoke", "", "TestConformance_StateByOperation"},
		{16, "FAILURE as in the state table", "", "TestConformance_StateByOperation"},
		{17, "repeated create by switch", "", "TestConformance_StateByOperation"},
		{18, "repeated cancel 62002", "", "TestConformance_StateByOperation"},
		{19, "48 h at create, 15 days at update", "", "TestCreate_FieldLimits TestExpiry_Limits"},
		{20, "page dates as text or milliseconds", "", "TestPages_DatesAsTextOrMilliseconds"},
		{21, "71002 and 71003 on page paths", "", "TestCreate_EnvelopeAndClock"},
		{22, "clock messages for an invoice's month", "", "TestInvoice_MonthsAndCodes"},
		{23, "download requests wrapped in body: lenient accepts, strict rejects", "", "TestStatement_IsUnsignedAndNamed"},
		{24, "statements as ZIP; the form of 2022 by switch", "", "TestStatement_OneDayInEveryForm TestStatement_LinkOf2022"},
		{25, "asterisks by switch", "", "TestStatement_OneDayInEveryForm"},
		{26, "dates and file names as in the samples", "", "TestStatement_HeadLinesAreThoseOfTheSamples TestStatement_OneDayInEveryForm"},
		{27, "directions IN and OUT", "", "TestStatement_HeadLinesAreThoseOfTheSamples"},
		{28, "62013 until there is a statement", "", "TestStatement_ExistsTenMinutesAfterTheCutOff"},
		{29, "acknowledgement in any case, upper case only in strict mode", "", "TestNotify_AcknowledgementInAnySpellingEndsIt"},
		{30, "retry schedule configurable, 1 + 7", "", "TestNotify_RetriesByTheScheduleWithTheSameBytes"},
		{31, "notify_time in UAE time", "", "TestNotify_PaymentHasTheRealForm"},
		{32, "money read in any form, quoted in lenient mode only", "", "TestCreate_FieldLimits TestCreate_WireScaleIsTheSenders"},
		{33, "quantity comes back with a decimal", "", "TestCreate_QuantityComesBackWithADecimal"},
		{34, "merchantName replaced", "", "TestCreate_EchoesWhatItWasSent"},
		{35, "booleans as text in any case, as JSON in lenient mode only", "", "TestCreate_FieldLimits"},
		{36, "changePayer true keeps the order for the first scanner", "", "TestPage_FirstPhoneKeepsTheOrderUnlessAnyMayPay"},
		{37, "eid and sharing data taken as they are", "", "TestCreate_TakesWhatItDoesNotPlay"},
		{38, "riskInfo as text or object", "", "TestCreate_FieldLimits"},
		{39, "accessoryContent nested, lower camel case", "", "TestCreate_EchoesWhatItWasSent"},
		{40, "accessoryContent an object", "", "TestCreate_FieldLimits"},
		{41, "what was not set is left out", "", "TestWire_HeadsAndHeaders"},
		{42, "a discount lowers paidAmount only", "", "TestNotify_Faults"},
		{43, "payChannel BALANCE", "", "TestWire_HeadsAndHeaders"},
		{44, "payerMid numeric, or what the control API says", "", "TestPayer_UnknownNumbersAndCards"},
		{45, "numbers begin with 13 and 19", "", "TestWire_HeadsAndHeaders"},
		{46, "traceCode always there", "", "TestWire_HeadsAndHeaders"},
		{47, "current names of the codes", "", "TestWire_RefusalsHaveTheNamesOfTheCodeTable"},
		{48, "62007 on refund query only", "", "TestConformance_ByPayByNumber"},
		{49, "62021 on scene QRPAY only", "", "TestCreate_TakesWhatItDoesNotPlay"},
		{50, "scenes as on the create page", "", "TestCreate_FieldLimits"},
		{51, "SYSTEM_ERROR and a timeout as faults", "", "TestFaults_EachKindOnEachOperation"},
		{52, "an expired order reads CREATED until the sweep", "", "TestConformance_StateByOperation TestPages_AnExpiredOrderCanStillReadCreated"},
		{53, "production host", "only clients have a base URL", ""},
		{54, "RFC 3339 requestTime refused", "", "TestCreate_EnvelopeAndClock"},
		{55, "mixed-up pairs on demo pages", "about reading the vendor's pages", ""},
		{56, "memeberId", "split payments are not played, so the list never appears", ""},
		{57, "revoke of a paid, unsettled order: FAILURE with paymentInfo", "", "TestConformance_StateByOperation"},
	}
}

func TestInconsistencies_EveryRowIsHeldByATest(t *testing.T) {
	defined := testNames(t)
	for i, c := range inconsistencies() {
		if c.row != i+1 {
			t.Fatalf("row %d is in the place of %d", c.row, i+1)
		}
		if (c.tests == "") == (c.why == "") {
			t.Errorf("row %d needs either tests or a reason", c.row)
		}
		for _, name := range strings.Fields(c.tests) {
			if !defined[name] {
				t.Errorf("row %d: there is no %s", c.row, name)
			}
		}
		t.Logf("%2d  %-72s %s%s", c.row, c.topic, c.tests, c.why)
	}
	if n := len(inconsistencies()); n != 57 {
		t.Errorf("%d rows", n)
	}
}

func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	set := token.NewFileSet()
	for _, file := range testFiles(t) {
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				names[fn.Name.Name] = true
			}
		}
	}
	return names
}
