package sandbox

import (
	"strconv"
	"strings"
)

// words are the payer page's texts in one language.
type words struct {
	Training, Wallet, Switch                               string
	PayTo, PaidTo, Currency, Pay, Decline                  string
	PaidAt, Charged, Until, Number                         string
	Paid, PaidMore, Expired, ExpiredMore                   string
	Closed, ClosedMore, Returned, ReturnedMore             string
	Unknown, UnknownMore, Taken, TakenMore, Once, OnceMore string
	Declined, Again                                        string
	Late, LateMore, LateSoon, LateSoonMore                 string
}

func english() words {
	return words{
		Training: "Practice payment: no money moves", Wallet: "Wallet", Switch: "العربية",
		PayTo: "Pay to", PaidTo: "Paid to", Currency: "AED", Pay: "Pay", Decline: "Decline",
		PaidAt: "Paid at", Charged: "You paid", Until: "Open until", Number: "Payment number",
		Paid: "Paid", PaidMore: "The shop has been told. You may close this page.",
		Expired: "This code has expired", ExpiredMore: "Nothing was paid. Ask the shop for a new code.",
		Closed: "This payment was closed", ClosedMore: "Nothing was paid. Ask the shop for a new code.",
		Returned: "Payment returned", ReturnedMore: "The shop has reversed this payment.",
		Unknown: "Unknown code", UnknownMore: "This is not a code of a payment here. Scan the code on the till again.",
		Taken: "In use on another phone", TakenMore: "Somebody else has begun this payment. Ask the shop for a new code.",
		Once: "No further try", OnceMore: "Nothing was paid, and this code allows one try only. Ask the shop for a new code.",
		Declined: "Declined, nothing was paid. You can try again.",
		Again:    "Nothing was paid yet. Please choose again.",
		Late:     "Pay late", LateMore: "Practice for the shop: the money arrives after the till has closed the payment.",
		LateSoon: "Late payment on its way", LateSoonMore: "It arrives a few seconds after the shop has closed this payment.",
	}
}

func arabic() words {
	return words{
		Training: "دفع تجريبي: لا يتم تحويل أي أموال", Wallet: "المحفظة", Switch: "English",
		PayTo: "الدفع إلى", PaidTo: "تم الدفع إلى", Currency: "درهم", Pay: "ادفع", Decline: "رفض",
		PaidAt: "وقت الدفع", Charged: "المبلغ المدفوع", Until: "صالح حتى", Number: "رقم الدفعة",
		Paid: "تم الدفع", PaidMore: "تم إبلاغ المتجر. يمكنك إغلاق هذه الصفحة.",
		Expired: "انتهت صلاحية هذا الرمز", ExpiredMore: "لم يتم دفع أي مبلغ. اطلب رمزًا جديدًا من المتجر.",
		Closed: "تم إغلاق هذه الدفعة", ClosedMore: "لم يتم دفع أي مبلغ. اطلب رمزًا جديدًا من المتجر.",
		Returned: "تمت إعادة المبلغ", ReturnedMore: "ألغى المتجر هذه الدفعة وأعاد المبلغ.",
		Unknown: "رمز غير معروف", UnknownMore: "لا توجد دفعة بهذا الرمز. امسح الرمز المعروض لدى المتجر مرة أخرى.",
		Taken: "قيد الاستخدام على هاتف آخر", TakenMore: "بدأ شخص آخر هذه الدفعة. اطلب رمزًا جديدًا من المتجر.",
		Once: "لا توجد محاولة أخرى", OnceMore: "لم يتم دفع أي مبلغ، وهذا الرمز يسمح بمحاولة واحدة فقط. اطلب رمزًا جديدًا من المتجر.",
		Declined: "تم الرفض ولم يتم دفع أي مبلغ. يمكنك المحاولة مرة أخرى.",
		Again:    "لم يتم دفع أي مبلغ بعد. يرجى الاختيار مرة أخرى.",
		Late:     "ادفع متأخرًا", LateMore: "تدريب للمتجر: يصل المبلغ بعد أن يغلق المتجر هذه الدفعة.",
		LateSoon: "الدفعة المتأخرة في الطريق", LateSoonMore: "ستصل بعد ثوانٍ من إغلاق المتجر لهذه الدفعة.",
	}
}

// preferred picks en or ar from an Accept-Language header; en when it names neither.
func preferred(header string) string {
	best, bestQ := "en", 0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(part, ";")
		lang, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if lang != "en" && lang != "ar" {
			continue
		}
		if q := quality(params); q > bestQ {
			best, bestQ = lang, q
		}
	}
	return best
}

// quality reads ";q=0.8" as thousandths; 1000 when absent, 0 when unreadable.
func quality(params string) int {
	_, q, found := strings.Cut(strings.ReplaceAll(params, " ", ""), "q=")
	if !found {
		return 1000
	}
	whole, frac, _ := strings.Cut(q, ".")
	n, err := strconv.Atoi(whole + (frac + "000")[:3])
	if err != nil || n < 0 || n > 1000 {
		return 0
	}
	return n
}
