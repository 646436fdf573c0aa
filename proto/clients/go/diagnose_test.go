package hubrelay

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPermissionDeniedSaysToWhomAndByWhat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	text := whoIsDenied(path)
	for _, part := range []string{fmt.Sprintf("process has uid %d", os.Geteuid()), "mode 640", "groups ["} {
		if !strings.Contains(text, part) {
			t.Errorf("%q has no %q", text, part)
		}
	}
	if text := whoIsDenied(path + "/x"); !strings.Contains(text, "folder") {
		t.Errorf("a folder that cannot be looked into: %q", text)
	}
}
