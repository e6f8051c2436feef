package sqlite

import (
	"cmp"
	"context"
	"encoding/binary"
	"os"
	"slices"
	"time"

	"github.com/filspos/fils/pos"
)

// carving finds events in the bare pages of a file whose tables SQLite cannot
// walk any more, because a page is gone that only leads to others. Each event
// carries the hash of all it is, so none is mistaken. Only the file itself is
// read: its log may hold events of a transaction that never was committed.
type carving struct {
	file  *os.File
	size  int64
	found []carved // in order of seq
}

type carved struct{ seq, at int64 }

// The parts of SQLite's file format that matter here.
const (
	leafOfTable  = 0x0d
	leafHeader   = 8
	maxLocal     = pageSize - 35
	minLocal     = (pageSize-12)*32/255 - 23
	eventFields  = 9
	serialHash   = 12 + 2*32
	serialBlob   = 12
	serialString = 13
)

// carve reads the whole file once.
func carve(ctx context.Context, path string) (*carving, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	c := &carving{file: f, size: info.Size()}
	for at := int64(0); at+pageSize <= c.size && ctx.Err() == nil; at += pageSize {
		c.page(at)
	}
	slices.SortFunc(c.found, func(a, b carved) int { return cmp.Compare(a.seq, b.seq) })
	return c, nil
}

func (c *carving) close() error { return c.file.Close() }

// page lists the events of the page that begins at at.
func (c *carving) page(at int64) {
	page, ok := c.read(at)
	if !ok || page[0] != leafOfTable {
		return
	}
	cells := int(binary.BigEndian.Uint16(page[3:]))
	for i := range cells {
		pointer := leafHeader + 2*i
		if pointer+2 > pageSize {
			return
		}
		cell := int(binary.BigEndian.Uint16(page[pointer:]))
		if e, ok := c.event(page, cell); ok {
			c.found = append(c.found, carved{e.Seq, at + int64(cell)})
		}
	}
}

func (c *carving) read(at int64) ([]byte, bool) {
	page := make([]byte, pageSize)
	if at < 0 || at+pageSize > c.size {
		return nil, false
	}
	_, err := c.file.ReadAt(page, at)
	return page, err == nil
}

// lookup returns event seq if it was found.
func (c *carving) lookup(seq int64) (pos.Event, bool) {
	i, ok := slices.BinarySearchFunc(c.found, seq, func(a carved, seq int64) int { return cmp.Compare(a.seq, seq) })
	if !ok {
		return pos.Event{}, false
	}
	at := c.found[i].at
	page, ok := c.read(at - at%pageSize)
	if !ok {
		return pos.Event{}, false
	}
	return c.event(page, int(at%pageSize))
}

// event reads a cell of a leaf page, if it holds an event.
func (c *carving) event(page []byte, cell int) (pos.Event, bool) {
	if cell < leafHeader || cell >= len(page) {
		return pos.Event{}, false
	}
	size, n := varint(page[cell:])
	seq, m := varint(page[cell+n:])
	start := cell + n + m
	if n == 0 || m == 0 || size < eventFields || size > min(c.size, maxValue) || seq < 1 {
		return pos.Event{}, false
	}
	if start >= len(page) {
		return pos.Event{}, false
	}
	l, ok := layoutOf(page[start:], size)
	if !ok {
		return pos.Event{}, false
	}
	record, ok := c.payload(page, start, int(size))
	if !ok {
		return pos.Event{}, false
	}
	return l.event(record, seq)
}

// payload puts a record together: what does not fit into its page goes on in a
// list of other pages.
func (c *carving) payload(page []byte, start, size int) ([]byte, bool) {
	local := size
	if size > maxLocal {
		if local = minLocal + (size-minLocal)%(pageSize-4); local > maxLocal {
			local = minLocal
		}
	}
	if start+local > len(page) {
		return nil, false
	}
	record := slices.Clone(page[start : start+local])
	if local == size {
		return record, true
	}
	if start+local+4 > len(page) {
		return nil, false
	}
	for next := binary.BigEndian.Uint32(page[start+local:]); len(record) < size; {
		more, ok := c.read((int64(next) - 1) * pageSize)
		if !ok {
			return nil, false
		}
		next = binary.BigEndian.Uint32(more)
		record = append(record, more[4:min(pageSize, 4+size-len(record))]...)
	}
	return record, true
}

// layout is where the columns of an event lie in its record.
type layout struct {
	types [eventFields]int64
	ends  [eventFields]int64
	start int64
}

// layoutOf reads the head of a record of that size, which lies in the page of
// its cell. It is false for what cannot be an event.
func layoutOf(record []byte, size int64) (l layout, ok bool) {
	header, n := varint(record)
	if n == 0 || header > int64(len(record)) || header < int64(n) {
		return l, false
	}
	head := record[n:header]
	l.start = header
	end := header
	for i := range l.types {
		serial, n := varint(head)
		length := serialLength(serial)
		if n == 0 || length < 0 || length > size {
			return l, false
		}
		end += length
		l.types[i], l.ends[i], head = serial, end, head[n:]
	}
	text := func(i int) bool { return l.types[i] >= serialString && l.types[i]%2 == 1 }
	blob := func(i int) bool { return l.types[i] >= serialBlob && l.types[i]%2 == 0 }
	hashed := l.types[6] == 0 || l.types[6] == serialHash
	return l, len(head) == 0 && end == size && l.types[0] == 0 && l.types[1] >= 1 && l.types[1] <= 6 &&
		text(2) && text(3) && text(4) && blob(5) && hashed && l.types[7] == serialHash && l.types[8] == serialHash
}

func (l layout) event(record []byte, seq int64) (pos.Event, bool) {
	field := func(i int) []byte {
		from := l.start
		if i > 0 {
			from = l.ends[i-1]
		}
		return record[from:l.ends[i]]
	}
	e := pos.Event{
		Seq: seq, At: time.UnixMilli(integer(field(1))).UTC(), Kind: pos.Kind(field(2)),
		Sale: pos.SaleNo(field(3)), Refund: pos.RefundNo(field(4)), Data: slices.Clone(field(5)),
		Prev: pos.Hash(field(7)), Hash: pos.Hash(field(8)),
	}
	if l.types[6] != 0 {
		e.Body = pos.Hash(field(6))
	}
	return e, e.Hash == e.Sum()
}

// serialLength is how many bytes a value of that type takes, negative for none
// that there is.
func serialLength(serial int64) int64 {
	switch {
	case serial < 0, serial == 10, serial == 11:
		return -1
	case serial >= serialBlob:
		return (serial - serialBlob) / 2
	case serial <= 4:
		return serial
	case serial == 5:
		return 6
	case serial <= 7:
		return 8
	}
	return 0 // the numbers 0 and 1
}

// integer is big-endian and signed, of one to eight bytes.
func integer(b []byte) int64 {
	v := int64(int8(b[0]))
	for _, next := range b[1:] {
		v = v<<8 | int64(next)
	}
	return v
}

// varint is a number of one to nine bytes; n is zero when it is cut off.
func varint(b []byte) (v int64, n int) {
	for n < len(b) && n < 8 {
		v = v<<7 | int64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	if n < 8 || len(b) < 9 {
		return 0, 0
	}
	return v<<8 | int64(b[8]), 9
}
