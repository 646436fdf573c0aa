package hubrelay

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"math/rand"
	"os"
	"time"
)

// newRandom has a seed of its own each time, with every version of Go: workers that start at the same moment must not
// get the same delays.
func newRandom() *rand.Rand { return rand.New(rand.NewSource(seed())) }

func seed() int64 {
	var bytes [8]byte
	if _, err := cryptorand.Read(bytes[:]); err != nil {
		return time.Now().UnixNano() ^ int64(os.Getpid())<<32
	}
	return int64(binary.LittleEndian.Uint64(bytes[:]))
}
