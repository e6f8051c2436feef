package widgets

import (
	"encoding/binary"
	"errors"
)

// How far vowel marks reach from the baseline, in thousandths of the text
// size: a damma over a hamza, and the lower stroke of a tanwin under a ra.
const (
	marksAbove = 1260
	marksBelow = 640
)

// makeRoom lets the lines of a typeface reach as far as its marks. The
// toolkit cuts what stands out of a line, and a damma cut in half reads as
// another vowel. A [Label] has line heights of its own.
func makeRoom(ttf []byte) error {
	be := binary.BigEndian
	if len(ttf) < 12 {
		return errors.New("not a typeface")
	}
	tables := map[string][]byte{}
	for i := range int(be.Uint16(ttf[4:])) {
		record := 12 + 16*i
		if len(ttf) < record+16 {
			return errors.New("typeface is cut")
		}
		from, size := int(be.Uint32(ttf[record+8:])), int(be.Uint32(ttf[record+12:]))
		if len(ttf) < from+size {
			return errors.New("typeface is cut")
		}
		tables[string(ttf[record:record+4])] = ttf[from : from+size]
	}
	head, hhea, os2 := tables["head"], tables["hhea"], tables["OS/2"]
	if len(head) < 20 || len(hhea) < 8 || len(os2) < 72 {
		return errors.New("typeface has no line heights")
	}
	em := int(be.Uint16(head[18:]))
	for _, ascent := range [][]byte{hhea[4:], os2[68:]} { // the descent follows
		be.PutUint16(ascent, uint16(max(int(int16(be.Uint16(ascent))), em*marksAbove/1000)))
		be.PutUint16(ascent[2:], uint16(int16(min(int(int16(be.Uint16(ascent[2:]))), -em*marksBelow/1000))))
	}
	return nil
}
