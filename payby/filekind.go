package payby

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// fileKind is what a file has to look like, from outside to inside.
type fileKind struct {
	types  []string // content types
	ending string   // of the name
	starts func(head []byte) bool
	whole  func(end tail) bool // nil when the content does not show its end
}

const (
	longestStart = 32
	// longestEnd is the end record of a ZIP with the longest comment.
	longestEnd = 22 + 1<<16 - 1
)

func zipKind() fileKind {
	return fileKind{
		types: []string{"application/zip"}, ending: ".zip",
		starts: func(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) },
		whole:  zipIsWhole,
	}
}

func pdfKind() fileKind {
	return fileKind{
		types: []string{"application/pdf"}, ending: ".pdf",
		starts: func(head []byte) bool { return bytes.HasPrefix(head, []byte("%PDF-")) },
		whole: func(end tail) bool {
			return bytes.Contains(end.b[max(0, len(end.b)-1024):], []byte("%%EOF"))
		},
	}
}

// fundKind is the fund file by itself; its form over HTTP is unpublished.
func fundKind() fileKind {
	return fileKind{
		types: []string{"text/csv", "text/plain", "application/octet-stream"}, ending: ".csv",
		starts: func(head []byte) bool {
			head = bytes.TrimPrefix(head, []byte("\ufeff"))
			head = bytes.TrimPrefix(head, []byte("*"))
			const name = "ACCOUNTING_DATE"
			return len(head) >= len(name) && strings.EqualFold(string(head[:len(name)]), name)
		},
	}
}

func kinds(op Operation) []fileKind {
	switch op {
	case OpStatement:
		return []fileKind{zipKind()}
	case OpFundStatement:
		return []fileKind{zipKind(), fundKind()}
	case OpInvoice:
		return []fileKind{pdfKind()}
	}
	return nil
}

// accepted is the Accept header of a request.
func accepted(op Operation) string {
	var types []string
	for _, k := range kinds(op) {
		types = append(types, k.types...)
	}
	if op == OpEcho {
		types = append(types, "text/plain")
	}
	return strings.Join(append(types, "application/json"), ", ")
}

// fileHead reads what the headers say about a file.
func fileHead(op Operation, h http.Header, partner string) (string, fileKind, error) {
	var none fileKind
	if len(h.Values("Content-Disposition")) != 1 || len(h.Values("Content-Type")) != 1 {
		return "", none, fmt.Errorf("%w: not exactly one name and type of the file", ErrUnexpected)
	}
	disposition, param, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil || disposition != "attachment" {
		return "", none, fmt.Errorf("%w: not a named file", ErrUnexpected)
	}
	contentType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return "", none, fmt.Errorf("%w: no content type", ErrUnexpected)
	}
	for _, k := range kinds(op) {
		for _, t := range k.types {
			if t == contentType {
				return param["filename"], k, checkName(param["filename"], partner, k.ending)
			}
		}
	}
	return "", none, fmt.Errorf("%w: another content type", ErrUnexpected)
}

// checkName takes a name of the forms of protocol.md §14.2 and §14.7: the own
// partner id comes first.
func checkName(name, partner, ending string) error {
	for i := range len(name) {
		c := name[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' && c != '_' && c != '-' {
			return fmt.Errorf("%w: not a plain file name", ErrUnexpected)
		}
	}
	if len(name) > 128 || !strings.HasSuffix(name, ending) {
		return fmt.Errorf("%w: not the name of such a file", ErrUnexpected)
	}
	if !strings.HasPrefix(name, partner+"_") {
		return ErrOtherMerchant
	}
	return nil
}

// zipIsWhole looks for the record that ends every ZIP and for the directory
// that lies before it.
func zipIsWhole(end tail) bool {
	const size = 22
	for i := len(end.b) - size; i >= 0; i-- {
		r := end.b[i:]
		if !bytes.HasPrefix(r, []byte("PK\x05\x06")) || size+int(binary.LittleEndian.Uint16(r[20:])) != len(r) {
			continue
		}
		directory := int64(binary.LittleEndian.Uint32(r[12:])) + int64(binary.LittleEndian.Uint32(r[16:]))
		if directory == end.size-int64(len(r)) {
			return true
		}
	}
	return false
}
