package wire

import (
	"encoding/binary"
	"errors"
)

// ErrLength is the error for a frame whose length is 0 or above the limit. Split returns it as soon as the length has
// come.
var ErrLength = errors.New("frame of a length that is not allowed")

// Split splits off the first frame of data. It returns the frame's body and the bytes after it, or a nil body when more
// bytes are needed, or ErrLength. The body is a part of data.
func Split(data []byte, maxFrame int) (body, rest []byte, err error) {
	if len(data) < HeaderBytes {
		return nil, data, nil
	}
	size := uint64(binary.BigEndian.Uint32(data))
	if size == 0 || size > uint64(maxFrame) {
		return nil, data, ErrLength
	}
	if uint64(len(data)-HeaderBytes) < size {
		return nil, data, nil
	}
	end := HeaderBytes + int(size)
	return data[HeaderBytes:end], data[end:], nil
}
