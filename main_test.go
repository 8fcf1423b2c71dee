package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the program itself, so that tests can run
// it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("INKWELL_TEST_AS_PROGRAM") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// layers says which packages of ours a package may import, besides its tests. A
// package that may be imported by none, such as clerktest, is for tests alone.
var layers = map[string][]string{
	"inkwell":                 {"inkwell/handlers", "inkwell/db", "inkwell/clerk", "inkwell/clerk/emulator"},
	"inkwell/handlers":        {"inkwell/clerk", "inkwell/db", "inkwell/live", "inkwell/static", "inkwell/templates"},
	"inkwell/clerk":           {},
	"inkwell/clerk/clerktest": {"inkwell/clerk"},
	"inkwell/clerk/emulator":  {"inkwell/clerk"},
	"inkwell/db":              {},
	"inkwell/db/dbtest":       {"inkwell/db"},
	"inkwell/live":            {},
	"inkwell/static":          {},
	"inkwell/templates":       {},
}

// drivers are the modules that only one package may know.
var drivers = map[string]string{
	"github.com/mattn/go-sqlite3":          "inkwell/db",
	"github.com/golang-migrate/migrate/v4": "inkwell/db",
	"github.com/clerk/clerk-sdk-go/v2":     "inkwell/clerk",
	"github.com/svix/svix-webhooks/go":     "inkwell/clerk",
}

func TestImportOrder(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		allowed, known := layers[p.ImportPath]
		if !known {
			t.Errorf("%s is in no layer: say what it may import", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "inkwell") && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s, which its layer may not", p.ImportPath, imported)
			}
			for module, owner := range drivers {
				if strings.HasPrefix(imported, module) && !strings.HasPrefix(p.ImportPath, owner) {
					t.Errorf("%s imports %s, which only %s knows", p.ImportPath, imported, owner)
				}
			}
		}
	}
}

// clerksWords are names of Clerk's headers, cookies and claims.
var clerksWords = regexp.MustCompile(`(?i)__session|__client|__refresh|__clerk_|x-clerk-|svix-(id|timestamp|signature)|public_metadata|"(azp|sid|sts)"`)

// How Clerk speaks is known to package clerk alone, whatever the language of
// the rest.
func TestOnlyClerkKnowsClerksWords(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "clerk" || strings.HasPrefix(path, ".") && path != "."):
			return fs.SkipDir
		case !slices.Contains([]string{".go", ".js", ".html", ".sql"}, filepath.Ext(path)), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, word := range clerksWords.FindAllString(string(text), -1) {
			t.Errorf("%s knows %s", path, word)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A process is the running program.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	url    string
	stderr *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// command is the program with its arguments, in an empty environment and the
// given directory.
func command(t testing.TB, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir = dir
	cmd.Env = []string{"INKWELL_TEST_AS_PROGRAM=1", "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	return cmd
}

var readyLine = regexp.MustCompile(`Inkwell is ready: (http://\S+)`)

// start runs the program with -dev and waits for its ready line.
func start(t testing.TB, dir string) *process {
	t.Helper()
	return startCommand(t, command(t, dir, "-dev", "-addr", "127.0.0.1:0"))
}

// startCommand runs the program and waits for its ready line.
func startCommand(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, stderr: &lockedBuffer{}}
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	lines := bufio.NewReader(pipe)
	for p.url == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("no ready line: %v\n%s%s", err, p.stderr, line)
		}
		p.stderr.Write([]byte(line))
		if m := readyLine.FindStringSubmatch(line); m != nil {
			p.url = m[1]
		}
	}
	go io.Copy(p.stderr, lines)
	return p
}

// stop sends SIGTERM and makes sure that the program ends well.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("after SIGTERM: %v\n%s", err, p.stderr)
	}
}

// browser is a client that navigates as a browser does.
func (p *process) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: navigation{}, Timeout: 10 * time.Second}
}

// navigation says with each request that a person goes somewhere.
type navigation struct{}

func (navigation) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return http.DefaultTransport.RoundTrip(r)
}

// page asks for a page, or sends a form when there is one, follows redirects
// and returns what is shown in the end.
func (p *process) page(c *http.Client, path string, form url.Values) (int, string) {
	p.t.Helper()
	res, err := c.Get(p.url + path)
	if form != nil {
		if err == nil {
			res.Body.Close()
		}
		res, err = c.PostForm(p.url+path, form)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (p *process) signIn(c *http.Client, email string) {
	p.t.Helper()
	p.page(c, "/", nil)
	status, body := p.page(c, "/__clerk/sign-in", url.Values{"identifier": {email}, "redirect_url": {"/account"}})
	if status != http.StatusOK || !strings.Contains(body, "Your account") {
		p.t.Fatalf("signing in = %d\n%.500s", status, body)
	}
}

// TestKillLosesNothing kills the program while clients write, and looks for
// every post that was acknowledged.
func TestKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	acknowledged := make(chan string, 10_000)
	var clients sync.WaitGroup
	for n := range 4 {
		c := p.browser()
		p.signIn(c, fmt.Sprintf("writer%d@example.com", n))
		clients.Go(func() {
			for i := 0; ; i++ {
				title := fmt.Sprintf("post %d of %d", i, n)
				res, err := c.Post(p.url+"/api/posts", "application/json", strings.NewReader(fmt.Sprintf(`{"title":%q}`, title)))
				if err != nil {
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusCreated {
					t.Errorf("POST /api/posts = %d", res.StatusCode)
					return
				}
				acknowledged <- title
			}
		})
	}
	kept := []string{}
	for len(kept) < 200 {
		kept = append(kept, <-acknowledged)
	}
	p.cmd.Process.Kill()
	p.cmd.Wait()
	clients.Wait()
	close(acknowledged)
	for title := range acknowledged {
		kept = append(kept, title)
	}

	again := start(t, dir)
	stored := again.titles()
	for _, title := range kept {
		if !stored[title] {
			t.Errorf("%q was acknowledged and is gone", title)
		}
	}
	again.stop()
}

// titles returns the titles of all posts.
func (p *process) titles() map[string]bool {
	p.t.Helper()
	titles := map[string]bool{}
	for next := ""; ; {
		res, err := http.Get(p.url + "/api/posts?limit=100&before=" + next)
		if err != nil {
			p.t.Fatal(err)
		}
		var list struct {
			Posts []struct{ Title string }
			Next  *string
		}
		err = json.NewDecoder(res.Body).Decode(&list)
		res.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		for _, post := range list.Posts {
			titles[post.Title] = true
		}
		if list.Next == nil {
			return titles
		}
		next = *list.Next
	}
}

// TestStopFinishesWhatIsUnderWay sends half of a request, then SIGTERM, then
// the other half.
func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	p := start(t, t.TempDir())
	body, send := io.Pipe()
	reading := make(chan struct{}) // closed when the program has begun to read
	trace := &httptrace.ClientTrace{Got100Continue: func() { close(reading) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", p.url+"/api/webhooks/clerk", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Expect", "100-continue")
	for _, name := range []string{"svix-id", "svix-timestamp", "svix-signature"} { // without them the body is not read
		req.Header.Set(name, "forged")
	}
	client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: 10 * time.Second}}
	answer := make(chan int, 1)
	go func() {
		res, err := client.Do(req)
		if err != nil {
			answer <- 0
			return
		}
		res.Body.Close()
		answer <- res.StatusCode
	}()
	<-reading
	send.Write([]byte("half"))
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for p.answers() { // until the listener is closed
	}
	send.Close()
	if got := <-answer; got != http.StatusBadRequest {
		t.Errorf("the request under way = %d, want its answer 400", got)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, p.stderr)
	}
}

func (p *process) answers() bool {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(p.url + "/healthz")
	if err != nil {
		return false
	}
	res.Body.Close()
	return true
}
