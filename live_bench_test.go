package main

import (
	"bufio"
	"encoding/json"
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

// The readers of the benchmarks.
const (
	readers     = 5000
	fromAddress = 100 // come from one address
)

// BenchmarkLive5000 tells 5,000 readers that a post which they have on the page
// has changed. The program is a process of its own, and the readers come over
// TCP, on the same cores. The time of an operation is
// from the request that changes the post until the last reader has it; rss-MB is
// what the program takes, cpu-ms what it computes for one change.
func BenchmarkLive5000(b *testing.B) {
	p := start(b, b.TempDir())
	defer p.stop()
	writer := p.writer()
	p.send(writer, "POST", "/api/posts", fmt.Sprintf(`{"title":"Title","content":%q}`, strings.Repeat("Some *words* to read.\n\n", 40)))
	post := p.lastPost(writer)
	p.measure(b, post, []string{""}, func(n int) {
		p.send(writer, "PATCH", fmt.Sprint("/api/posts/", post.ID), fmt.Sprintf(`{"title":"Title %d"}`, n))
	})
}

// BenchmarkLive5000Voters is the same for a vote in a poll of ten options, by
// which each of the readers, who are signed in as 20 users, has voted for one of
// them. Votes are gathered for 200 ms, which are in the time of an operation.
func BenchmarkLive5000Voters(b *testing.B) {
	p := start(b, b.TempDir())
	defer p.stop()
	writer := p.writer()
	p.send(writer, "POST", "/api/posts", `{"title":"Title","content":"Text","poll":{"question":"Which?","options":["0","1","2","3","4","5","6","7","8","9"]}}`)
	post := p.lastPost(writer)
	vote := func(c *http.Client, n int) {
		option := post.Poll.Options[n%len(post.Poll.Options)].ID
		p.send(c, "PUT", fmt.Sprintf("/api/posts/%d/vote", post.ID), fmt.Sprintf(`{"option":%d}`, option))
	}
	base, _ := url.Parse(p.url)
	var headers []string
	for n := range 20 {
		reader := p.browser()
		p.signIn(reader, fmt.Sprintf("reader%d@example.com", n))
		vote(reader, n)
		var cookies []string
		for _, cookie := range reader.Jar.Cookies(base) {
			cookies = append(cookies, cookie.String())
		}
		headers = append(headers, "Cookie: "+strings.Join(cookies, "; ")+"\r\n")
	}
	p.measure(b, post, headers, func(n int) { vote(writer, n) })
}

// measure has all readers open a post's page, those of an address with one of
// the headers, and change called again and again.
func (p *process) measure(b *testing.B, post benchPost, headers []string, change func(n int)) {
	b.Helper()
	<-time.After(time.Second) // until what came before is told
	var heard sync.WaitGroup
	heard.Add(readers)
	for i := range readers {
		address := i / fromAddress
		go hear(b, p.dialStream(b, address, post.ID, headers[address%len(headers)]), &heard)
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
		change(changes)
		heard.Wait()
	}
	used := p.usage(b)
	b.ReportMetric(float64(used.residentKB)/1024, "rss-MB")
	b.ReportMetric(float64((used.cpu-idle.cpu).Milliseconds())/float64(changes), "cpu-ms/op")
}

// dialStream opens the stream of a post's page from one of many addresses.
func (p *process) dialStream(b *testing.B, address int, post int64, header string) net.Conn {
	b.Helper()
	host := strings.TrimPrefix(p.url, "http://")
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(address))}}
	conn, err := dialer.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /live?post=%d HTTP/1.1\r\nHost: %s\r\n%s\r\n", post, host, header); err != nil {
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

// writer is a browser in which somebody is signed in who is no reader.
func (p *process) writer() *http.Client {
	p.t.Helper()
	c := p.browser()
	p.signIn(c, "ada@example.com")
	return c
}

// A benchPost is what a benchmark has to know of a post.
type benchPost struct {
	ID   int64
	Poll struct{ Options []struct{ ID int64 } }
}

// lastPost returns the newest post.
func (p *process) lastPost(c *http.Client) benchPost {
	p.t.Helper()
	var list struct{ Posts []benchPost }
	var post benchPost
	p.read(c, "/api/posts?limit=1", &list)
	p.read(c, fmt.Sprint("/api/posts/", list.Posts[0].ID), &post)
	return post
}

// read reads what the JSON API answers.
func (p *process) read(c *http.Client, path string, into any) {
	p.t.Helper()
	if err := json.Unmarshal(p.send(c, "GET", path, ""), into); err != nil {
		p.t.Fatal(err)
	}
}

// send asks the JSON API, which has to do it.
func (p *process) send(c *http.Client, method, path, body string) []byte {
	p.t.Helper()
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		p.t.Fatalf("%s %s = %d, %v %.300s", method, path, res.StatusCode, err, answer)
	}
	return answer
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
