//go:build unix && !linux

package hubrelay

import "net"

// watchReads returns the connection: only on Linux is there another way to wait for bytes.
func watchReads(conn net.Conn) net.Conn { return conn }
