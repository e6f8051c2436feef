package payby

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	zipName  = "200000000888_20260714Transaction_Settle_Statement.zip"
	pdfName  = "200000000888_202606_invoice.pdf"
	fundName = "200000000888_20260714_fund_statement_001.csv"
	pdfText  = "%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n"
	fundText = "ACCOUNTING_DATE|NUMBER_INCOME\n20260714|1\n"
)

// zipOf is a ZIP with one file of size bytes that do not compress.
func zipOf(t testing.TB, size int, comment string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "Purchase_Statement_15072026_001.csv", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Repeat([]byte("row|"), size/4)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.SetComment(comment), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// file answers with a file, as the gateway does: without a signature.
func file(contentType, disposition string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Disposition", disposition)
		_, _ = w.Write(body)
	}
}

func named(name string) string { return "attachment; filename=" + name }

// get downloads as op does and returns what was written.
func get(t testing.TB, c *Client, op Operation) (*Download, []byte, *Error) {
	t.Helper()
	var b bytes.Buffer
	var d *Download
	var err error
	switch op {
	case OpStatement:
		d, err = c.DownloadStatement(context.Background(), StatementQuery{"20260714"}, storyTime, &b)
	case OpFundStatement:
		d, err = c.DownloadFundStatement(context.Background(), StatementQuery{"20260714"}, storyTime, &b)
	default:
		d, err = c.DownloadInvoice(context.Background(), InvoiceQuery{StatementDate: "202606"}, storyTime, &b)
	}
	if err == nil {
		return d, b.Bytes(), nil
	}
	e, ok := err.(*Error)
	if !ok || d != nil {
		t.Fatalf("%s returned %v and %T", op, d, err)
	}
	return nil, b.Bytes(), e
}

func TestFilesAreWrittenAsTheyCame(t *testing.T) {
	large := zipOf(t, 300<<10, "")
	for name, c := range map[string]struct {
		op                Operation
		contentType, file string
		body              []byte
	}{
		"statement":             {OpStatement, "application/zip", zipName, large},
		"statement, small":      {OpStatement, "application/zip", zipName, zipOf(t, 0, "")},
		"statement, comment":    {OpStatement, "application/zip", zipName, zipOf(t, 64, "PK\x05\x06 made by a gateway")},
		"statement, quoted":     {OpStatement, "APPLICATION/ZIP; x=y", `"` + zipName + `"`, large},
		"statement, another":    {OpStatement, "application/zip", "200000000888_statement-2.zip", large},
		"invoice":               {OpInvoice, "application/pdf", pdfName, []byte(pdfText)},
		"fund statement":        {OpFundStatement, "text/csv; charset=utf-8", fundName, []byte(fundText)},
		"fund statement, BOM":   {OpFundStatement, "application/octet-stream", fundName, []byte("\ufeff*" + strings.ToLower(fundText))},
		"fund statement, plain": {OpFundStatement, "text/plain", fundName, []byte(fundText)},
		"fund statement, zip":   {OpFundStatement, "application/zip", "200000000888_20260714_fund_statement.zip", large},
	} {
		t.Run(name, func(t *testing.T) {
			d, wrote, e := get(t, client(t, file(c.contentType, named(c.file), c.body)), c.op)
			if e != nil {
				t.Fatal(e)
			}
			if !bytes.Equal(wrote, c.body) || d.Size != int64(len(c.body)) || d.Name != strings.Trim(c.file, `"`) || d.Link != nil || d.Date.IsZero() {
				t.Errorf("%d bytes, %+v", len(wrote), d)
			}
		})
	}
}

func TestDownloadsAskLikeEveryCall(t *testing.T) {
	for op, biz := range map[Operation]string{
		OpStatement: `{"statementDate":"20260714"}`, OpFundStatement: `{"statementDate":"20260714"}`, OpInvoice: `{"statementDate":"202606"}`,
	} {
		var path, accept string
		var body []byte
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			path, accept = r.URL.Path, r.Header.Get("Accept")
			body, _ = io.ReadAll(r.Body)
		})
		if _, _, e := get(t, c, op); e == nil {
			t.Errorf("%s: nothing was taken for a file", op)
		}
		if path != "/sgs/api"+op.Path() || string(body) != `{"requestTime":1784009730318,"bizContent":`+biz+`}` {
			t.Errorf("%s: asked %s with %s", op, path, body)
		}
		if !strings.HasSuffix(accept, ", application/json") || strings.HasPrefix(accept, "application/json") {
			t.Errorf("%s accepts %s", op, accept)
		}
	}
}

// A server that lies about files. The last column says whether bytes may have
// been written before the lie came out.
func TestAServerThatLiesAboutFiles(t *testing.T) {
	whole := zipOf(t, 8<<10, "")
	ok := func(body []byte) http.HandlerFunc { return file("application/zip", named(zipName), body) }
	as := func(contentType, disposition string) http.HandlerFunc { return file(contentType, disposition, whole) }
	other := "200000000889_20260714Transaction_Settle_Statement.zip"
	type lie struct {
		h       http.HandlerFunc
		want    error
		written bool
	}
	lies := map[string]lie{
		"another merchant":         {as("application/zip", named(other)), ErrOtherMerchant, false},
		"another merchant, longer": {as("application/zip", named("2000000008881_x.zip")), ErrOtherMerchant, false},
		"no merchant":              {as("application/zip", named("statement.zip")), ErrOtherMerchant, false},
		"two names":                {as("application/zip", named(other)+"; filename="+zipName), ErrUnexpected, false},
		"encoded name":             {as("application/zip", "attachment; filename="+zipName+"; filename*=UTF-8''"+other), ErrOtherMerchant, false},
		"path in the name":         {as("application/zip", `attachment; filename="200000000888_/../../x.zip"`), ErrUnexpected, false},
		"backslash in the name":    {as("application/zip", `attachment; filename="200000000888_\\..\\x.zip"`), ErrUnexpected, false},
		"line in the name":         {as("application/zip", "attachment; filename*=UTF-8''200000000888_%0Ax.zip"), ErrUnexpected, false},
		"Arabic name":              {as("application/zip", "attachment; filename*=UTF-8''200000000888_%D8%BA.zip"), ErrUnexpected, false},
		"long name":                {as("application/zip", named("200000000888_"+strings.Repeat("x", 120)+".zip")), ErrUnexpected, false},
		"name of a program":        {as("application/zip", named("200000000888_x.zip.exe")), ErrUnexpected, false},
		"no name":                  {as("application/zip", "attachment"), ErrUnexpected, false},
		"not attached":             {as("application/zip", "inline; filename="+zipName), ErrUnexpected, false},
		"empty disposition":        {as("application/zip", ""), ErrUnexpected, false},
		"HTML type":                {as("text/html", named(zipName)), ErrUnexpected, false},
		"JSON type":                {as("application/json", named(zipName)), ErrUnexpected, false},
		"PDF type":                 {as("application/pdf", named(zipName)), ErrUnexpected, false},
		"no type":                  {as("", named(zipName)), ErrUnexpected, false},
		"HTML named as ZIP":        {ok([]byte("<html><body>Log in to the shop's Wi-Fi</body></html>")), ErrMalformed, false},
		"JSON named as ZIP":        {ok([]byte(`{"head":{"applyStatus":"SUCCESS","code":"0"}}`)), ErrMalformed, false},
		"gzip named as ZIP":        {ok(gzipped(t, whole)), ErrMalformed, false},
		"empty":                    {ok(nil), ErrMalformed, false},
		"empty ZIP":                {ok([]byte("PK\x05\x06" + strings.Repeat("\x00", 18))), ErrMalformed, false},
		"first bytes only":         {ok([]byte("PK\x03\x04")), ErrMalformed, true},
		"last byte missing":        {ok(whole[:len(whole)-1]), ErrMalformed, true},
		"end missing":              {ok(whole[:len(whole)/2]), ErrMalformed, true},
		"byte added":               {ok(append(whole[:len(whole):len(whole)], 0)), ErrMalformed, true},
		"middle missing":           {ok(append(whole[:100:100], whole[200:]...)), ErrMalformed, true},
		"length promised":          {header("Content-Length", fmt.Sprint(len(whole)+10), ok(whole)), io.ErrUnexpectedEOF, true},
		"connection broken":        {broken(whole), nil, true},
		"endless":                  {endlessFile("PK\x03\x04"), ErrTooLarge, true},
		"length above the limit":   {header("Content-Length", "1048577", ok(whole)), ErrTooLarge, false},
		"gzip bomb":                {header("Content-Encoding", "gzip", ok(gzipped(t, append([]byte("PK\x03\x04"), make([]byte, 4<<20)...)))), ErrTooLarge, true},
		"gzip cut":                 {header("Content-Encoding", "gzip", ok(gzipped(t, whole)[:60])), nil, true},
		"unsigned success":         {plain(`{"head":{"applyStatus":"SUCCESS","code":"0"},"body":{"fileName":"` + zipName + `","filePath":"https://a.example/x"}}`), ErrUnsigned, false},
		"unsigned 62013":           {plain(`{"head":{"applyStatus":"SUCCESS","code":"62013","msg":"STATEMENT_NOT_EXIST"}}`), ErrUnsigned, false},
		"ZIP without a name":       {plain(string(whole)), ErrUnsigned, false},
		"HTML":                     {plain("<html>log in</html>"), ErrUnsigned, false},
		"nothing":                  {plain(""), ErrUnsigned, false},
		"endless JSON":             {endless, ErrTooLarge, false},
		"badly signed":             {header("sign", gatewaySign(t, []byte("x")), plain(`{"head":{"applyStatus":"SUCCESS","code":"62013"}}`)), ErrSignature, false},
		"HTTP 206":                 {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(206); ok(whole)(w, r) }, ErrUnexpected, false},
		"HTTP 500":                 {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, ErrUnexpected, false},
	}
	lies["two dispositions"] = lie{func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Disposition"] = []string{named(zipName), named(other)}
		w.Header().Set("Content-Type", "application/zip")
		_, _ = w.Write(whole)
	}, ErrUnexpected, false}
	lies["two types"] = lie{func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", named(zipName))
		w.Header()["Content-Type"] = []string{"application/zip", "text/html"}
		_, _ = w.Write(whole)
	}, ErrUnexpected, false}
	for name, l := range lies {
		t.Run(name, func(t *testing.T) {
			c := client(t, l.h)
			c.MaxDownload = 1 << 20
			d, wrote, e := get(t, c, OpStatement)
			if e == nil {
				t.Fatalf("taken as %+v", d)
			}
			if l.want != nil && !errors.Is(e, l.want) {
				t.Errorf("%v, want %v", e, l.want)
			}
			if e.Signed || e.Code != "" || e.Class != ClassRetry || !errors.Is(e, ErrOutcomeUnknown) {
				t.Errorf("%+v", e)
			}
			if len(wrote) > 0 && !l.written || len(wrote) > 1<<20 {
				t.Errorf("%d bytes were written", len(wrote))
			}
		})
	}
}

// endlessFile is a file that never ends, one chunk after the other.
func endlessFile(start string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Disposition", named(zipName))
		_, _ = io.WriteString(w, start)
		for chunk := make([]byte, 64<<10); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
}

// broken ends the connection in the middle of a chunked file.
func broken(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Disposition", named(zipName))
		_, _ = w.Write(b[:len(b)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestLiesAboutOtherFiles(t *testing.T) {
	whole := zipOf(t, 64, "")
	for name, c := range map[string]struct {
		op   Operation
		h    http.HandlerFunc
		want error
	}{
		"ZIP as invoice":            {OpInvoice, file("application/zip", named(zipName), whole), ErrUnexpected},
		"invoice of another":        {OpInvoice, file("application/pdf", named("1"+pdfName), []byte(pdfText)), ErrOtherMerchant},
		"HTML as invoice":           {OpInvoice, file("application/pdf", named(pdfName), []byte("<html>")), ErrMalformed},
		"invoice cut":               {OpInvoice, file("application/pdf", named(pdfName), []byte(pdfText[:len(pdfText)-6])), ErrMalformed},
		"end not at the end":        {OpInvoice, file("application/pdf", named(pdfName), []byte(pdfText+strings.Repeat("x", 1024))), ErrMalformed},
		"ZIP named as PDF":          {OpInvoice, file("application/pdf", named(zipName), []byte(pdfText)), ErrUnexpected},
		"PDF as fund":               {OpFundStatement, file("application/pdf", named(pdfName), []byte(pdfText)), ErrUnexpected},
		"HTML as fund":              {OpFundStatement, file("text/csv", named(fundName), []byte("<html>")), ErrMalformed},
		"fund of another":           {OpFundStatement, file("text/csv", named("1"+fundName), []byte(fundText)), ErrOtherMerchant},
		"transactions as fund":      {OpFundStatement, file("text/csv", named(fundName), []byte("mid:200000000888|periodNo:20260715\n")), ErrMalformed},
		"fund without an end":       {OpFundStatement, openEnd(fundName, fundText), ErrUnexpected},
		"ZIP named as fund CSV":     {OpFundStatement, file("application/zip", named(fundName), whole), ErrUnexpected},
		"fund CSV named as ZIP":     {OpFundStatement, file("text/csv", named(zipName), []byte(fundText)), ErrUnexpected},
		"invoice as link":           {OpInvoice, signed(t, linkAnswer(zipName, "https://a.example/x")), ErrUnexpected},
		"fund as link":              {OpFundStatement, signed(t, linkAnswer(zipName, "https://a.example/x")), ErrUnexpected},
		"link of another":           {OpStatement, signed(t, linkAnswer("1"+zipName, "https://a.example/x")), ErrOtherMerchant},
		"link with path in name":    {OpStatement, signed(t, linkAnswer("200000000888_/x.zip", "https://a.example/x")), ErrUnexpected},
		"link to plain HTTP":        {OpStatement, signed(t, linkAnswer(zipName, "http://a.example/x")), ErrMalformed},
		"link to a file":            {OpStatement, signed(t, linkAnswer(zipName, "file:///etc/passwd")), ErrMalformed},
		"link to a script":          {OpStatement, signed(t, linkAnswer(zipName, "javascript:alert(1)")), ErrMalformed},
		"link with a password":      {OpStatement, signed(t, linkAnswer(zipName, "https://a:b@a.example/x")), ErrMalformed},
		"link with a blank":         {OpStatement, signed(t, linkAnswer(zipName, "https://a.example/x y")), ErrMalformed},
		"link without a host":       {OpStatement, signed(t, linkAnswer(zipName, "https:///x")), ErrMalformed},
		"link, long":                {OpStatement, signed(t, linkAnswer(zipName, "https://a.example/"+strings.Repeat("x", 4096))), ErrMalformed},
		"link to nothing":           {OpStatement, signed(t, linkAnswer(zipName, "")), ErrMalformed},
		"link without a name":       {OpStatement, signed(t, linkAnswer("", "https://a.example/x")), ErrMalformed},
		"signed success, no body":   {OpStatement, signed(t, []byte(`{"head":{"applyStatus":"SUCCESS","code":"0"}}`)), ErrMalformed},
		"signed success, two names": {OpStatement, signed(t, []byte(`{"head":{"applyStatus":"SUCCESS","code":"0"},"body":{"fileName":"a","fileName":"`+zipName+`","filePath":"https://a.example/"}}`)), ErrMalformed},
	} {
		_, wrote, e := get(t, client(t, c.h), c.op)
		if e == nil || !errors.Is(e, c.want) || !errors.Is(e, ErrOutcomeUnknown) || e.Op != c.op || e.Class != ClassRetry {
			t.Errorf("%s: %+v", name, e)
		}
		if len(wrote) > 0 && !strings.Contains(name, "invoice cut") && !strings.Contains(name, "end not") {
			t.Errorf("%s: %q was written", name, wrote)
		}
	}
}

func linkAnswer(name, path string) []byte {
	return []byte(fmt.Sprintf(`{"head":{"applyStatus":"SUCCESS","code":"0"},"body":{"fileName":%q,"filePath":%q}}`, name, path))
}

// openEnd answers without length and chunks: the end of the connection is all
// that ends the file.
func openEnd(name, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\nContent-Disposition: "+named(name)+"\r\n\r\n"+body)
		_ = conn.Close()
	}
}

func TestTheLinkOfTheSampleIsAValue(t *testing.T) {
	raw := sample(t, "statement.legacy_url.response.json")
	d, wrote, e := get(t, client(t, signed(t, raw)), OpStatement)
	if e != nil {
		t.Fatal(e)
	}
	if d.Link == nil || d.Name != zipName || d.Link.FileName != zipName || d.Size != 0 || len(wrote) != 0 ||
		!strings.HasPrefix(d.Link.FilePath, "https://statement-store.example.com/200000000888/") || !strings.HasSuffix(d.Link.FilePath, "&Signature=EXAMPLE") {
		t.Errorf("%+v, %q", d, wrote)
	}
}

func TestRefusedDownloads(t *testing.T) {
	for name, c := range map[string]struct {
		op    Operation
		class Class
		text  string
	}{
		"statement.not_exist.error.json":     {OpStatement, ClassRetry, "payby: statement: 62013 STATEMENT_NOT_EXIST, trace 1133"},
		"statement.not_generated.error.json": {OpStatement, ClassRetry, "payby: statement: 62014 STATEMENT_NOT_GENERATED, trace 1134"},
	} {
		for _, op := range []Operation{c.op, OpFundStatement} {
			_, wrote, e := get(t, client(t, signed(t, sample(t, name))), op)
			want := strings.Replace(c.text, "statement:", string(op)+":", 1)
			if e == nil || e.Class != c.class || !e.Signed || e.Error() != want || errors.Is(e, ErrOutcomeUnknown) || len(wrote) > 0 || e.Date.IsZero() {
				t.Errorf("%s %s: %+v", op, name, e)
			}
		}
	}
	raw := `{"head":{"applyStatus":"SUCCESS","code":"400","msg":"REQUESTTIME_TOO_LATER"}}`
	_, _, e := get(t, client(t, signed(t, []byte(raw))), OpInvoice)
	if e == nil || errors.Is(e, ErrClock) || e.Class != ClassCallerBug || strings.Contains(e.Error(), "REQUESTTIME") {
		t.Errorf("%+v", e)
	}
	// Unsigned gateway faults may be shown, as with every call.
	_, _, e = get(t, client(t, plain(`{"head":{"applyStatus":"SUCCESS","code":"504","msg":"SERVICE_TIMEOUT"}}`)), OpStatement)
	if e == nil || e.Signed || e.Code != "504" || e.Class != ClassRetry {
		t.Errorf("%+v", e)
	}
}

func TestDownloadsFollowNoRedirect(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Add(1)
		file("application/zip", named(zipName), zipOf(t, 64, ""))(w, r)
	}))
	defer other.Close()
	for _, op := range []Operation{OpStatement, OpFundStatement, OpInvoice} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			_, wrote, e := get(t, client(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", other.URL)
				w.WriteHeader(status)
			}), op)
			if e == nil || !errors.Is(e, ErrUnexpected) || e.Status != status || len(wrote) > 0 {
				t.Errorf("%s: %+v", op, e)
			}
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestTheDownloadLimitIsExact(t *testing.T) {
	whole := zipOf(t, 100<<10, "")
	chunked := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Disposition", named(zipName))
		_, _ = w.Write(whole[:5])
		w.(http.Flusher).Flush()
		_, _ = w.Write(whole[5:])
	}
	for name, h := range map[string]http.HandlerFunc{"with length": file("application/zip", named(zipName), whole), "chunked": chunked} {
		c := client(t, h)
		c.MaxDownload = int64(len(whole))
		c.MaxResponse = 10 // has no say about files
		if _, wrote, e := get(t, c, OpStatement); e != nil || !bytes.Equal(wrote, whole) {
			t.Errorf("%s, at the limit: %v", name, e)
		}
		c.MaxDownload--
		if _, wrote, e := get(t, c, OpStatement); e == nil || !errors.Is(e, ErrTooLarge) || int64(len(wrote)) > c.MaxDownload {
			t.Errorf("%s, above the limit: %v, %d bytes", name, e, len(wrote))
		}
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return f.room, fmt.Errorf("write /home/shop/secret.zip: %w", syscall.ENOSPC)
	}
	f.room -= len(p)
	return len(p), nil
}

type short struct{}

func (short) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestAFullDiskIsNotAGatewayFault(t *testing.T) {
	c := client(t, file("application/zip", named(zipName), zipOf(t, 200<<10, "")))
	for w, want := range map[io.Writer]error{&full{room: 40 << 10}: syscall.ENOSPC, short{}: io.ErrShortWrite} {
		d, err := c.DownloadStatement(t.Context(), StatementQuery{"20260714"}, storyTime, w)
		if e := asError(t, err); d != nil || !errors.Is(e, want) || e.Error() != "payby: statement: the file could not be written" {
			t.Errorf("%v", e)
		}
	}
}

// A download that drips ends with the caller's context.
func TestADrippingFileEndsWithTheContext(t *testing.T) {
	dripping := make(chan struct{})
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Disposition", named(zipName))
		_, _ = io.WriteString(w, "PK\x03\x04")
		w.(http.Flusher).Flush()
		close(dripping)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		<-dripping
		cancel()
	})
	_, err := c.DownloadStatement(ctx, StatementQuery{"20260714"}, storyTime, io.Discard)
	wg.Wait()
	if e := asError(t, err); !errors.Is(e, context.Canceled) || e.Error() != "payby: statement: cancelled before the answer came" {
		t.Errorf("%v", e)
	}
}

func TestFilesHaveMoreTime(t *testing.T) {
	for op, want := range map[Operation]time.Duration{OpStatement: DownloadTimeout, OpFundStatement: DownloadTimeout, OpInvoice: DownloadTimeout, OpCreate: DefaultTimeout, OpEcho: DefaultTimeout} {
		if got := timeout(op); got != want {
			t.Errorf("%s: %v", op, got)
		}
	}
}
