package payby_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/filspos/fils/payby"
)

// A statement is read from its ZIP with OpenStatement, or, as here, from files
// that are already unpacked.
func ExampleStatement() {
	var files []payby.StatementFile
	names, _ := filepath.Glob("testdata/statement/v2/*.csv")
	for _, name := range names {
		files = append(files, payby.StatementFile{Name: filepath.Base(name), Open: func() (io.ReadCloser, error) { return os.Open(name) }})
	}
	s, err := payby.OpenStatementFiles(files, payby.StatementOptions{PartnerID: "200000000888"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for t, err := range s.Transactions() {
		var bad *payby.StatementError
		if errors.As(err, &bad) && bad.Row {
			fmt.Println("left out:", bad)
			continue
		}
		if err != nil {
			fmt.Println("not all of it:", err)
			return
		}
		fmt.Println(t.PaidTime.Format("15:04:05"), t.Type, t.Status, t.TotalAmount, t.MerchantOrderNo)
	}
	checked, err := s.CheckSettlement()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("in", checked.Credit, "out", checked.Debit, "commission", checked.Comm, "VAT", checked.VAT, "findings", len(checked.Findings))
	// Output:
	// 10:16:11 PAYMENT SUCCESS 126.00 POS01-20260714101530-7Q4K2M
	// 11:47:36 PAYMENT SUCCESS 60.00 POS01-20260714114643-85QX2B
	// 13:13:33 REFUND SUCCESS 26.00 R-POS01-20260714131313-01
	// 13:32:02 PAYMENT REVERTED 15.50 POS01-20260714133140-ZZ93KD
	// in 184.05 out 26.00 commission 1.86 VAT 0.09 findings 0
}
