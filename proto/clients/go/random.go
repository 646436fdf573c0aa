package hubrelay

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"math/rand"
	"os"
	"time"
)

// newRandom is seeded for each client, whatever the version of Go: workers that start in the same moment must not come
// in step.
func newRandom() *rand.Rand { return rand.New(rand.NewSource(seed())) }

func seed() int64 {
	var bytes [8]byte
	if _, err := cryptorand.Read(bytes[:]); err != nil {
		return time.Now().UnixNano() ^ int64(os.Getpid())<<32
	}
	return int64(binary.LittleEndian.Uint64(bytes[:]))
}
