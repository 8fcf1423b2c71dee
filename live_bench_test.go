package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkLive5000 tells 5,000 readers that a post which they have on the page
// has changed. The program is a process of its own, and the readers come over
// TCP, on the same cores. The time of an operation is
// from the request that changes the post until the last reader has it; rss-MB is
// what the program takes, cpu-ms what it computes for one change.
func BenchmarkLive5000(b *testing.B) {
	const readers, each = 5000, 100 // from one address
	p := start(b, b.TempDir())
	defer p.stop()
	writer := p.browser()
	p.signIn(writer, "ada@example.com")
	p.page(writer, "/posts", url.Values{"title": {"Title"}, "content": {strings.Repeat("Some *words* to read.\n\n", 40)}, "published": {"true"}})
	id := p.lastPost(writer)
	base, _ := url.Parse(p.url)
	var heard sync.WaitGroup
	heard.Add(readers)
	for i := range readers {
		go hear(b, dialStream(b, base.Host, i/each, id), &heard)
	}
	heard.Wait() // every stream has begun
	idle := p.usage(b)
	changes := 0
	for b.Loop() {
		b.StopTimer()
		<-time.After(time.Second / 2) // of changes that follow closely readers are told together
		changes++
		heard.Add(readers)
		b.StartTimer()
		p.patch(writer, id, fmt.Sprint("Title ", changes))
		heard.Wait()
	}
	used := p.usage(b)
	b.ReportMetric(float64(used.residentKB)/1024, "rss-MB")
	b.ReportMetric(float64((used.cpu-idle.cpu).Milliseconds())/float64(changes), "cpu-ms/op")
}

// dialStream opens the stream of a post's page from one of many addresses.
func dialStream(b *testing.B, host string, address int, post int64) net.Conn {
	b.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(address))}}
	conn, err := dialer.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /live?post=%d HTTP/1.1\r\nHost: %s\r\n\r\n", post, host); err != nil {
		b.Fatal(err)
	}
	return conn
}

// hear notes each message of a stream: the first tells the post as it is.
func hear(b *testing.B, conn net.Conn, heard *sync.WaitGroup) {
	lines := bufio.NewReaderSize(conn, 512)
	for told := false; ; {
		line, err := lines.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
		switch text := string(line); {
		case strings.HasPrefix(text, "HTTP/1.1 ") && text != "HTTP/1.1 200 OK\r\n":
			b.Errorf("a stream is answered %q", text)
		case strings.HasPrefix(text, "data: "):
			told = true
		case strings.HasPrefix(text, "id: ") && told:
			heard.Done()
			told = false
		}
	}
}

// lastPost returns the id of the newest post.
func (p *process) lastPost(c *http.Client) int64 {
	p.t.Helper()
	_, body := p.page(c, "/api/posts?limit=1", nil)
	var id int64
	if _, err := fmt.Sscanf(body, `{"posts":[{"id":%d,`, &id); err != nil {
		p.t.Fatalf("the newest post in %.200s: %v", body, err)
	}
	return id
}

// patch gives a post another title.
func (p *process) patch(c *http.Client, id int64, title string) {
	p.t.Helper()
	req, err := http.NewRequest("PATCH", fmt.Sprintf("%s/api/posts/%d", p.url, id), strings.NewReader(fmt.Sprintf(`{"title":%q}`, title)))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		p.t.Fatalf("changing a post = %d %.300s", res.StatusCode, body)
	}
}

// A usage is what a process has taken of the machine.
type usage struct {
	residentKB int
	cpu        time.Duration
}

func (p *process) usage(b *testing.B) usage {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("there is no /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	resident, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ = strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest) // utime and stime are the 14th and 15th of all, in hundredths of a second
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return usage{resident, time.Duration(ticks) * time.Second / 100}
}
