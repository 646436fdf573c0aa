package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

const maxFieldNumber = 1<<29 - 1

// fields reads a protobuf message field by field. After next has returned true, number and wire identify the field, and
// its content is in value (wire type 0) or content (wire type 2).
type fields struct {
	rest    []byte
	number  uint64
	wire    byte
	value   uint64
	content []byte
	bad     bool
}

// next returns false at the end of the message. If the message is malformed, it returns false and sets bad.
func (f *fields) next() bool {
	if len(f.rest) == 0 {
		return false
	}
	tag, ok := f.varint()
	f.number, f.wire = tag>>3, byte(tag&7)
	if !ok || f.number == 0 || f.number > maxFieldNumber {
		return f.fail()
	}
	switch f.wire {
	case 0:
		if f.value, ok = f.varint(); !ok {
			return f.fail()
		}
		return true
	case 1:
		return f.take(8)
	case 2:
		size, ok := f.varint()
		if !ok {
			return f.fail()
		}
		return f.take(size)
	case 5:
		return f.take(4)
	}
	return f.fail() // groups, which proto3 does not have, and undefined wire types
}

func (f *fields) fail() bool {
	f.bad = true
	return false
}

func (f *fields) take(size uint64) bool {
	if size > uint64(len(f.rest)) {
		return f.fail()
	}
	f.content, f.rest = f.rest[:size:size], f.rest[size:]
	return true
}

func (f *fields) varint() (uint64, bool) {
	if len(f.rest) > 0 && f.rest[0] < 0x80 { // most numbers take one byte
		value := uint64(f.rest[0])
		f.rest = f.rest[1:]
		return value, true
	}
	var value uint64
	for i := 0; i < len(f.rest) && i < binary.MaxVarintLen64; i++ {
		value |= uint64(f.rest[i]&0x7f) << (7 * uint(i))
		if f.rest[i] < 0x80 {
			f.rest = f.rest[i+1:]
			return value, true
		}
	}
	return 0, false
}

// The setters below ignore a field that has the wrong wire type: it is skipped like an unknown one.

func (f *fields) number64(to *uint64) {
	if f.wire == 0 {
		*to = f.value
	}
}

func (f *fields) number32(to *uint32) {
	if f.wire == 0 {
		*to = uint32(f.value)
	}
}

// enum keeps the low 32 bits, as a signed number.
func (f *fields) enum(to *int32) {
	if f.wire == 0 {
		*to = int32(f.value)
	}
}

func (f *fields) boolean(to *bool) {
	if f.wire == 0 {
		*to = f.value != 0
	}
}

func (f *fields) bytes(to *[]byte) {
	if f.wire == 2 {
		*to = f.content
	}
}

// text is bytes for content that must be UTF-8.
func (f *fields) text(to *[]byte) {
	if f.wire == 2 {
		*to = f.content
		f.bad = f.bad || !utf8.Valid(f.content)
	}
}

func (f *fields) str(to *string) {
	if f.wire == 2 {
		*to = string(f.content)
		f.bad = f.bad || !utf8.Valid(f.content)
	}
}

func (f *fields) strings(to *[]string) {
	if f.wire == 2 {
		*to = append(*to, string(f.content))
		f.bad = f.bad || !utf8.Valid(f.content)
	}
}
