package relay

import (
	"testing"
)

func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte(`{"v":1,"type":"hello","merchant":"shop","till":"POS01","resumed":true,"now_ms":1784010673043}`))
	f.Add([]byte(`{"v":1,"type":"notice","cursor":"c","received_ms":1,"sign":"AA==","body":"e30="}`))
	f.Add([]byte(`{"v":1,"type":"notice","body":"%"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMessage(data)
		if err != nil {
			return
		}
		if m.Type == TypeNotice && (m.Cursor == "" || len(m.Cursor) > MaxCursor || len(m.Body) > MaxBody) {
			t.Fatalf("accepted a notice outside the limits")
		}
		text, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeMessage(text)
		if err != nil || again.Type != m.Type || again.Cursor != m.Cursor || string(again.Body) != string(m.Body) {
			t.Fatalf("%+v came back as %+v, %v", m, again, err)
		}
	})
}
