package handlers

import (
	"net/http"
	"testing"
)

func TestIcon(t *testing.T) {
	c := newSite(t).guest()
	icon := c.send("GET", "/favicon.ico", "").status(http.StatusFound)
	c.send("GET", icon.Header.Get("Location"), "").status(http.StatusOK)
}
