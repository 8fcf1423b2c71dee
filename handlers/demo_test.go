package handlers

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"inkwell/db/dbtest"
)

// The demo asks for all chemical elements, each with number, symbol and name.
func TestDemoPoll(t *testing.T) {
	site := newSite(t, func(c *Config) { c.DB = dbtest.New(t) }) // one without users
	if err := site.WriteDemo(t.Context(), site.clerk.Users()); err != nil {
		t.Fatal(err)
	}
	c := site.guest()
	page := c.click(c.get("/"), ".post-item:nth-of-type(2) h2 a").status(http.StatusOK).shows(".poll h2", "chemical element")
	element := regexp.MustCompile(`^(\d+) ([A-Z][a-z]?) [A-Z][a-z]+$`)
	symbols, shown := map[string]bool{}, labels(page)
	for i, label := range shown {
		parts := element.FindStringSubmatch(label)
		if parts == nil || parts[1] != fmt.Sprint(i+1) || symbols[parts[2]] {
			t.Errorf("the option %q is not element %d", label, i+1)
			continue
		}
		symbols[parts[2]] = true
	}
	if len(shown) != 118 {
		t.Errorf("there are %d elements, want 118", len(shown))
	}
	c.click(page, ".poll .help a:last-child").shows(".poll > .help", "2 votes").shows(".options li:first-child", "6 C Carbon 1 vote, 50%")
}
