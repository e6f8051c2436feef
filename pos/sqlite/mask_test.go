package sqlite

import "testing"

func TestMaskHidesWhoPaidWhereverItStands(t *testing.T) {
	for _, tc := range []struct{ data, want string }{
		{`{"payer":"100000099887766","amount":1200}`, `{"payer":"•••7766","amount":1200}`},
		{`{"payerMid":100000099887766,"amount":1200}`, `{"payerMid":"•••7766","amount":1200}`},
		{`{"PayerMID":"1234"}`, `{"PayerMID":"•••"}`},
		{`{"payer":{"mid":"100000099887766","n":[100000012345678,null,true]}}`, `{"payer":{"mid":"•••7766","n":["•••5678",null,true]}}`},
		{`{"a":[{"token":"https://h?ft=0123abcd"},"x"]}`, `{"a":[{"token":"•••abcd"},"x"]}`},
		{`{"tokenUrl":"12345","note":"payer"}`, `{"tokenUrl":"•••2345","note":"payer"}`},
		{`{"n":1.50,"big":12345678901234567890,"e":1e3}`, `{"n":1.50,"big":12345678901234567890,"e":1e3}`},
		{`[]`, `[]`},
		{`{}`, `{}`},
	} {
		got, err := mask([]byte(tc.data))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.data, got, err, tc.want)
		}
	}
	for _, data := range []string{``, `{`, `{"payer":"1"`, `{} {}`, `{"a":1}x`, `{"a"}`} {
		if got, err := mask([]byte(data)); err == nil {
			t.Errorf("%q passes as %s", data, got)
		}
	}
}
