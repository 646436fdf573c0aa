package main

import (
	"encoding/base64"
	"net/url"
	"os"
	"strconv"
	"strings"

	"hubrelay"
)

// quote makes one word of a text.
func quote(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func unquote(word string) string {
	text, err := url.PathUnescape(word)
	if err != nil {
		return word
	}
	return text
}

func names(words []string) (names hubrelay.Names) {
	for _, word := range words {
		if name := unquote(word[2:]); word[0] == 'p' {
			names.Patterns = append(names.Patterns, name)
		} else {
			names.Channels = append(names.Channels, name)
		}
	}
	return names
}

func payload(word string) []byte {
	if word == "-" {
		return nil
	}
	bytes, err := base64.StdEncoding.DecodeString(word)
	if err != nil {
		panic(err)
	}
	return bytes
}

func b64(payload []byte) string {
	if len(payload) == 0 {
		return "-"
	}
	return base64.StdEncoding.EncodeToString(payload)
}

func bit(value bool) int {
	if value {
		return 1
	}
	return 0
}

// residentBytes is this process's resident size.
func residentBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return pages * os.Getpagesize()
}
