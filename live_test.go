package main

import (
	"bufio"
	"strings"
	"testing"
)

// TestStopEndsStreams stops the program while somebody listens: it waits for
// what is under way, and a stream would be so for minutes.
func TestStopEndsStreams(t *testing.T) {
	p := start(t, t.TempDir())
	res, err := p.browser().Get(p.url + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != ": here" {
		t.Fatalf("GET /live = %d, its first line is %q", res.StatusCode, lines.Text())
	}
	p.stop()
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "id: ") && lines.Text() != "" && !strings.HasPrefix(lines.Text(), "data: ") {
			t.Errorf("the stream ended with %q", lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream was cut: %v", err)
	}
}
