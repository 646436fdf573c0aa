package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The vectors are the project's, beside all clients.
const vectors = "../../../../vectors"

type object = map[string]any

type vector struct {
	Name      string
	Body      string
	Frame     map[string]object
	Error     string
	Canonical bool
}

func load(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	bytes, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// enums are the names that the vectors use, by the enum's own prefix.
var enums = map[string][]string{
	"OUTCOME_": {"UNSPECIFIED", "OK", "PENDING", "NOT_CONNECTED", "INTERRUPTED", "REFUSED", "INVALID", "LIMIT"},
	"STATE_":   {"UNSPECIFIED", "UP", "DEGRADED", "DOWN", "STOPPING"},
	"CODE_": {"UNSPECIFIED", "MALFORMED", "FRAME_TOO_LARGE", "HELLO_EXPECTED", "VERSION", "NOT_ALLOWED", "TOO_MANY",
		"TIMEOUT"},
	"CAUSE_": {"UNSPECIFIED", "SLOW_READER", "TOO_LARGE", "BAD_NAME", "NOT_CONNECTED", "REFUSED", "INVALID",
		7: "", 16: "STARTING", 17: "STOPPING", 18: "UNREACHABLE", 19: "CLOSED", 20: "TIMEOUT", 21: "AUTH", 22: "TLS",
		23: "BUSY", 24: "DEMOTED", 25: "PROBE", 26: "PROTOCOL", 27: "TOPOLOGY", 28: "NO_RELAY"},
}

// plain turns what a vector says into the form of describe: numbers as text, enums as their numbers.
func plain(value any) any {
	switch value := value.(type) {
	case object:
		result := object{}
		for key, inner := range value {
			result[key] = plain(inner)
		}
		return result
	case json.Number:
		return value.String()
	case string:
		for prefix, names := range enums {
			for number, name := range names {
				if name != "" && value == prefix+name {
					return fmt.Sprint(number)
				}
			}
		}
	}
	return value
}

var wordEnd = regexp.MustCompile("([a-z])([A-Z])")

// describe is the value in the form of the vectors: fields that have not their default, by their names in the schema.
func describe(value reflect.Value) object {
	result := object{}
	for i := 0; i < value.NumField(); i++ {
		name := strings.ToLower(wordEnd.ReplaceAllString(value.Type().Field(i).Name, "${1}_$2"))
		switch field := value.Field(i).Interface().(type) {
		case Status:
			if inner := describe(reflect.ValueOf(field)); len(inner) > 0 {
				result[name] = inner
			}
		case []byte:
			if len(field) > 0 && name == "payload" {
				result[name] = hex.EncodeToString(field)
			} else if len(field) > 0 {
				result[name] = string(field)
			}
		case []string:
			if len(field) > 0 {
				list := []any{}
				for _, item := range field {
					list = append(list, item)
				}
				result[name] = list
			}
		case string, bool:
			if field != "" && field != false {
				result[name] = field
			}
		default:
			if text := fmt.Sprint(field); text != "0" {
				result[name] = text
			}
		}
	}
	return result
}

func TestRelayFramesAreReadAsTheVectorsSay(t *testing.T) {
	var file struct{ Vectors []vector }
	load(t, "relay-frames.json", &file)
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			frame := usedFrame()
			err := frame.Decode(unhex(t, v.Body))
			if (err != nil) != (v.Error != "") {
				t.Fatalf("error %v, want %q", err, v.Error)
			}
			if err != nil {
				return
			}
			kinds := map[Kind]struct {
				name  string
				value any
			}{KindWelcome: {"welcome", frame.Welcome}, KindMessage: {"message", frame.Message},
				KindReply: {"reply", frame.Reply}, KindStatus: {"status", frame.Status},
				KindLoss: {"loss", frame.Loss}, KindError: {"error", frame.Error},
				KindRevoked: {"revoked", frame.Revoked}}
			var got, want any
			if kind, ok := kinds[frame.Kind]; ok {
				got = object{kind.name: describe(reflect.ValueOf(kind.value))}
			}
			for name, fields := range v.Frame {
				expected := plain(fields).(object)
				if status, ok := expected["status"].(object); ok && len(status) == 0 {
					delete(expected, "status")
				}
				want = object{name: expected}
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("read as %v, want %v", got, want)
			}
		})
	}
}

// usedFrame has held other frames before, of which nothing may be left.
func usedFrame() *Frame {
	return &Frame{
		Message: Message{Channel: []byte("old"), Payload: []byte("old"), Pattern: []byte("old")},
		Reply:   Reply{ID: 99, Outcome: 99, Receivers: 99, Detail: "old", Channels: []string{"old"}},
		Status:  Status{State: 99, Reason: "old", Gaps: 99, Publishing: true},
		Loss:    Loss{Publishes: 99, Messages: 99, PublishesUnknown: 99},
		Revoked: Revoked{Channels: []string{"old"}, Detail: "old"},
	}
}

func TestClientFramesAreWrittenAsTheVectorsSay(t *testing.T) {
	var file struct{ Vectors []vector }
	load(t, "client-frames.json", &file)
	written := 0
	for _, v := range file.Vectors {
		if !v.Canonical {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			bytes := encode(t, v.Frame)
			if bytes == nil {
				return
			}
			written++
			want := unhex(t, v.Body)
			body, rest, err := Split(bytes, 1<<21)
			if err != nil || len(rest) != 0 || hex.EncodeToString(body) != v.Body {
				t.Fatalf("wrote %x, want %x behind its length (%v)", bytes, want, err)
			}
		})
	}
	if written < 10 {
		t.Fatalf("only %d vectors were written", written)
	}
}

// encode gives nil for frames that this client never writes: a Hello of another version.
func encode(t *testing.T, frame map[string]object) []byte {
	text := func(fields object, key string) string { value, _ := fields[key].(string); return value }
	number := func(fields object, key string) (value uint64) {
		if fields[key] != nil {
			fmt.Sscan(fmt.Sprint(fields[key]), &value)
		}
		return value
	}
	list := func(fields object, key string) (result []string) {
		items, _ := fields[key].([]any)
		for _, item := range items {
			result = append(result, item.(string))
		}
		return result
	}
	for kind, f := range frame {
		id := number(f, "id")
		switch kind {
		case "hello":
			if number(f, "version") == ProtocolVersion {
				return AppendHello(nil, text(f, "client_name"))
			}
		case "publish":
			return AppendPublish(nil, text(f, "channel"), unhex(t, text(f, "payload")), id)
		case "subscribe":
			return AppendSubscribe(nil, id, list(f, "channels"), list(f, "patterns"))
		case "unsubscribe":
			return AppendUnsubscribe(nil, id, list(f, "channels"), list(f, "patterns"))
		case "ping":
			return AppendPing(nil, id, f["settled"] == true)
		}
	}
	return nil
}

func TestStreamsAreCutAsTheVectorsSayHoweverTheyAreSplit(t *testing.T) {
	var file struct {
		Framing []struct {
			Name, Sender, Error, Rest string
			Chunks, Bodies            []string
			Max                       int `json:"max_frame_bytes"`
		}
	}
	load(t, "streams.json", &file)
	for _, s := range file.Framing {
		t.Run(s.Name, func(t *testing.T) {
			whole := unhex(t, strings.Join(s.Chunks, ""))
			var want [][]byte
			for _, body := range s.Bodies {
				want = append(want, unhex(t, body))
			}
			for at := 0; at <= len(whole); at++ {
				var buffer []byte
				var err error
				count := 0
				for _, chunk := range [][]byte{whole[:at], whole[at:]} {
					buffer = append(buffer, chunk...)
					for err == nil {
						limit := s.Max
						if s.Sender == "client" && count == 0 {
							limit = MaxHelloBytes
						}
						var body []byte
						if body, buffer, err = Split(buffer, limit); body == nil {
							break
						}
						if count == len(want) || !bytes.Equal(body, want[count]) {
							t.Fatalf("split at %d: body %d is %.40x", at, count, body)
						}
						count++
					}
				}
				if count != len(want) || (err != nil) != (s.Error != "") {
					t.Fatalf("split at %d: %d bodies, error %v; want %d, %q", at, count, err, len(want), s.Error)
				}
				if err == nil && hex.EncodeToString(buffer) != s.Rest {
					t.Fatalf("split at %d: rest %x, want %s", at, buffer, s.Rest)
				}
			}
		})
	}
}
