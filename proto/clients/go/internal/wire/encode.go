package wire

import "encoding/binary"

// The Append functions add one frame of the client, with its length in front, to a buffer. They write fields in the
// order of their numbers and leave out defaults. The caller has to check sizes.

// AppendHello adds a Hello of this version.
func AppendHello(to []byte, clientName string) []byte {
	size := 2 + textSize(clientName)
	to = appendHead(to, 1, size)
	to = append(to, 1<<3, ProtocolVersion)
	return appendText(to, 2, clientName)
}

// AppendPublish adds a Publish. With an id of 0 there will be no Reply.
func AppendPublish(to []byte, channel string, payload []byte, id uint64) []byte {
	size := textSize(channel) + numberSize(id)
	if len(payload) > 0 {
		size += 1 + varintSize(uint64(len(payload))) + len(payload)
	}
	to = appendHead(to, 2, size)
	to = appendText(to, 1, channel)
	if len(payload) > 0 {
		to = append(to, 2<<3|2)
		to = binary.AppendUvarint(to, uint64(len(payload)))
		to = append(to, payload...)
	}
	return appendNumber(to, 3, id)
}

// AppendSubscribe adds a Subscribe.
func AppendSubscribe(to []byte, id uint64, channels, patterns []string) []byte {
	return appendNames(to, 3, id, channels, patterns)
}

// AppendUnsubscribe adds an Unsubscribe.
func AppendUnsubscribe(to []byte, id uint64, channels, patterns []string) []byte {
	return appendNames(to, 4, id, channels, patterns)
}

// AppendPing adds a Ping. If settled is true, the relay sends the Reply only once all earlier publishes are answered.
func AppendPing(to []byte, id uint64, settled bool) []byte {
	size := numberSize(id)
	if settled {
		size += 2
	}
	to = appendHead(to, 5, size)
	to = appendNumber(to, 1, id)
	if settled {
		to = append(to, 2<<3, 1)
	}
	return to
}

// PublishBytes is an upper bound for the size of a Publish's body.
func PublishBytes(channel string, payload []byte) int {
	return len(channel) + len(payload) + publishOverhead
}

// NameBytes is how many bytes one name takes in a Subscribe.
func NameBytes(name string) int {
	return 1 + varintSize(uint64(len(name))) + len(name)
}

// NamesBudget is how many NameBytes fit into a Subscribe whose body has at most maxFrame bytes.
func NamesBudget(maxFrame int) int {
	return maxFrame - subscribeMinimum
}

func appendNames(to []byte, kind byte, id uint64, channels, patterns []string) []byte {
	size := numberSize(id)
	for _, c := range channels {
		size += NameBytes(c)
	}
	for _, p := range patterns {
		size += NameBytes(p)
	}
	to = appendHead(to, kind, size)
	to = appendNumber(to, 1, id)
	for _, c := range channels {
		to = appendName(to, 2, c)
	}
	for _, p := range patterns {
		to = appendName(to, 3, p)
	}
	return to
}

// appendHead adds the frame's length, and the tag and length of its kind, which has size bytes.
func appendHead(to []byte, kind byte, size int) []byte {
	body := 1 + varintSize(uint64(size)) + size
	to = append(to, byte(body>>24), byte(body>>16), byte(body>>8), byte(body), kind<<3|2)
	return binary.AppendUvarint(to, uint64(size))
}

func appendText(to []byte, number byte, text string) []byte {
	if text == "" {
		return to
	}
	return appendName(to, number, text)
}

// appendName writes an empty text, too: an element of a repeated field has no default that could be left out.
func appendName(to []byte, number byte, text string) []byte {
	to = append(to, number<<3|2)
	to = binary.AppendUvarint(to, uint64(len(text)))
	return append(to, text...)
}

func appendNumber(to []byte, number byte, value uint64) []byte {
	if value == 0 {
		return to
	}
	to = append(to, number<<3)
	return binary.AppendUvarint(to, value)
}

func textSize(text string) int {
	if text == "" {
		return 0
	}
	return NameBytes(text)
}

func numberSize(value uint64) int {
	if value == 0 {
		return 0
	}
	return 1 + varintSize(value)
}

func varintSize(value uint64) int {
	size := 1
	for value >= 0x80 {
		value >>= 7
		size++
	}
	return size
}
